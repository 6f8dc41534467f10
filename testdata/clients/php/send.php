#!/usr/bin/env php
<?php
// Sends one WhatsApp message through Relevo: php send.php PHONE TEXT
//
// RELEVO_HOOK is the webhook's URL. Needs nothing but PHP 8.0 or later.
declare(strict_types=1);

const RETRIES = 4;

/** Makes one call: [status, seconds of Retry-After, answer]. Status 0: no answer came. */
function post(string $hook, string $body, string $key): array
{
    $stream = @fopen($hook, 'r', false, stream_context_create(['http' => [
        'method' => 'POST',
        'header' => ['Content-Type: application/json', "Idempotency-Key: $key"],
        'content' => $body,
        'timeout' => 30,
        'follow_location' => 0,
        'ignore_errors' => true, // an answer is read whatever its status
    ]]));
    if ($stream === false) {
        return [0, null, ''];
    }
    $answer = stream_get_contents($stream);
    $meta = stream_get_meta_data($stream);
    $headers = $meta['wrapper_data'] ?? [];
    fclose($stream);
    if ($meta['timed_out'] || !preg_match('~^HTTP/\S+ (\d{3})~', $headers[0] ?? '', $status)) {
        return [0, null, ''];
    }
    $after = preg_grep('~^Retry-After:\s*\d+$~i', $headers);
    return [(int) $status[1], $after ? (int) trim(substr(reset($after), 12)) : null, $answer];
}

$hook = getenv('RELEVO_HOOK');
if (!$hook || $argc !== 3) {
    fwrite(STDERR, "usage: RELEVO_HOOK=https://… php send.php PHONE TEXT\n");
    exit(2);
}
$body = json_encode(['action' => 'send', 'phone' => $argv[1], 'text' => $argv[2]], JSON_THROW_ON_ERROR);
$key = bin2hex(random_bytes(16)); // one key for all tries: the message goes out once

for ($retry = 0; ; $retry++) {
    [$status, $after, $raw] = post($hook, $body, $key);
    $again = $status === 0 || $status === 429 || $status >= 500;
    if (!$again || $retry === RETRIES) {
        break;
    }
    sleep(min($after ?? 2 ** $retry, 60));
}

$answer = json_decode($raw, true);
if ($status !== 200) {
    fwrite(STDERR, ($answer['message'] ?? ($status ? "HTTP $status" : 'no answer')) . "\n");
    exit(1);
}
echo $answer['data']['message_id'], "\n";
