package pgstore

// conflicts end the statement that writes rows which are there already.
var conflicts = [tables]string{
	tLane: `
		ON CONFLICT (workspace_id, id) DO UPDATE SET account = excluded.account, next_free = excluded.next_free, lease_item = excluded.lease_item,
			lease_owner = excluded.lease_owner, lease_epoch = excluded.lease_epoch, lease_try = excluded.lease_try, lease_until = excluded.lease_until,
			epoch = excluded.epoch, paused = excluded.paused, hold = excluded.hold, home = excluded.home, spacing_min = excluded.spacing_min,
			spacing_max = excluded.spacing_max, depth = excluded.depth, last_seq = excluded.last_seq, last_end = excluded.last_end,
			holder = excluded.holder, due_at = excluded.due_at`,
	tWorkspace: onAccount,
	tChannel: `
		ON CONFLICT (workspace_id, id) DO UPDATE SET record = excluded.record`,
	tChat: `
		ON CONFLICT (workspace_id, channel, recipient) DO UPDATE SET number = excluded.number, name = excluded.name, record = excluded.record`,
	tTemplates: `
		ON CONFLICT (workspace_id, channel, name) DO UPDATE SET record = excluded.record`,
	tPerson: `
		ON CONFLICT (workspace_id, channel, user_id) DO UPDATE SET record = excluded.record`,
	tInbound: `
		ON CONFLICT (workspace_id, id) DO UPDATE SET channel = excluded.channel, recipient = excluded.recipient, record = excluded.record`,
	tMessage: `
		ON CONFLICT (workspace_id, id) DO UPDATE SET `,
	tCard: `
		ON CONFLICT (workspace_id, kind, key) DO UPDATE SET due = excluded.due, record = excluded.record`,
	tFetch: `
		ON CONFLICT (workspace_id, message_id) DO UPDATE SET next = excluded.next, since = excluded.since, tries = excluded.tries`,
}

const (
	onAccount = `
		ON CONFLICT (id) DO UPDATE SET granted = excluded.granted, available = excluded.available, reserved = excluded.reserved, spent = excluded.spent,
			expiring = excluded.expiring, period = excluded.period, last_at = excluded.last_at, frozen = excluded.frozen, attempts = excluded.attempts`
	onRecord = `
		ON CONFLICT (id) DO UPDATE SET record = excluded.record, roster = excluded.roster, deleted_at = excluded.deleted_at`
)
