<?php
// Takes Relevo's events, and verifies who sent them: php -S 127.0.0.1:PORT receive.php
//
// RELEVO_SECRET is the endpoint's secret, whsec_… Needs nothing but PHP 8.0 or
// later. It prints one event per line on stderr. Behind a web server this file
// can stay as it is.
declare(strict_types=1);

const TOLERANCE = 5 * 60; // seconds

/** verified returns the event's id, or null where Relevo did not sign it (https://www.standardwebhooks.com). */
function verified(string $secret, array $server, string $body): ?string
{
    $id = $server['HTTP_WEBHOOK_ID'] ?? '';
    $timestamp = $server['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
    if ($id === '' || preg_match('/^[0-9]{1,15}$/D', $timestamp) !== 1) {
        return null;
    }
    if (abs(time() - (int) $timestamp) > TOLERANCE) {
        return null;
    }
    $key = base64_decode(substr($secret, strlen('whsec_')));
    $want = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true));
    // While the secret is replaced there are two signatures.
    foreach (explode(' ', $server['HTTP_WEBHOOK_SIGNATURE'] ?? '') as $one) {
        if (hash_equals($want, $one)) {
            return $id;
        }
    }
    return null;
}

/** first reports whether an event is new; it may come twice. Use your database, these files are never removed. */
function first(string $id): bool
{
    $folder = getenv('RELEVO_SEEN') ?: sys_get_temp_dir() . '/relevo-events';
    if (!is_dir($folder)) {
        @mkdir($folder, 0700, true); // another process may just have made it
    }
    return @fopen("$folder/" . hash('sha256', $id), 'x') !== false;
}

$secret = getenv('RELEVO_SECRET') ?: '';
if (!str_starts_with($secret, 'whsec_')) {
    http_response_code(500); // Relevo tries again: nothing is lost meanwhile
    return;
}
$body = (string) file_get_contents('php://input'); // as it came: it is verified byte for byte
$id = verified($secret, $_SERVER, $body);
if ($id === null) {
    http_response_code(401);
    return;
}
http_response_code(204);
// Answer at once. Work that takes longer than some seconds belongs into a queue.
if (first($id)) {
    $event = json_decode($body, true, 512, JSON_THROW_ON_ERROR);
    file_put_contents('php://stderr', json_encode($event, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES) . "\n");
}
