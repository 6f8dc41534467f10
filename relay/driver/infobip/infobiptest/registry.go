package infobiptest

import "strconv"

// entry is a code of Infobip's registries.
type entry struct {
	group     int
	name      string
	permanent bool
}

var groupNames = []string{"OK", "PENDING", "UNDELIVERABLE", "DELIVERED", "EXPIRED", "REJECTED"}

// statusRegistry are the general status codes:
// https://www.infobip.com/docs/essentials/api-essentials/response-status-and-error-codes
var statusRegistry = map[int]entry{
	3: {1, "PENDING_WAITING_DELIVERY", false}, 7: {1, "PENDING_ENROUTE", false}, 26: {1, "PENDING_ACCEPTED", false},
	4: {2, "UNDELIVERABLE_REJECTED_OPERATOR", false}, 9: {2, "UNDELIVERABLE_NOT_DELIVERED", false}, 31: {2, "UNDELIVERABLE_NOT_SENT", false},
	96: {2, "NO_ANSWER", false}, 97: {2, "BUSY", false}, 98: {2, "CANCELLED", false},
	2: {3, "DELIVERED_TO_OPERATOR", false}, 5: {3, "DELIVERED_TO_HANDSET", false},
	15: {4, "EXPIRED_EXPIRED", false}, 29: {4, "EXPIRED_DLR_UNKNOWN", false},
	6: {5, "REJECTED_NETWORK", false}, 8: {5, "REJECTED_PREFIX_MISSING", false}, 10: {5, "REJECTED_DND", false}, 11: {5, "REJECTED_SOURCE", false},
	12: {5, "REJECTED_NOT_ENOUGH_CREDITS", false}, 13: {5, "REJECTED_SENDER", false}, 14: {5, "REJECTED_DESTINATION_BLOCKLISTED", false},
	17: {5, "REJECTED_PREPAID_PACKAGE_EXPIRED", false}, 18: {5, "REJECTED_DESTINATION_NOT_REGISTERED", false}, 19: {5, "REJECTED_ROUTE_NOT_AVAILABLE", false},
	20: {5, "REJECTED_FLOODING_FILTER", false}, 21: {5, "REJECTED_SYSTEM_ERROR", false}, 23: {5, "REJECTED_DUPLICATE_MESSAGE_ID", false},
	24: {5, "REJECTED_INVALID_UDH", false}, 25: {5, "REJECTED_MESSAGE_TOO_LONG", false}, 51: {5, "MISSING_TO", false}, 52: {5, "REJECTED_DESTINATION", false},
	87: {5, "SIGNALS_BLOCKED", false}, 99: {5, "REJECTED", false}, 100: {5, "UNDELIVERABLE_REJECTED_PLATFORM", false},
}

// errorRegistry are the error codes of chat channels, and some general ones,
// with the registry's own word on whether they last.
var errorRegistry = map[int]entry{
	1: {1, "EC_UNKNOWN_SUBSCRIBER", true}, 5: {1, "EC_UNIDENTIFIED_SUBSCRIBER", false}, 6: {1, "EC_ABSENT_SUBSCRIBER_SM", false},
	9: {1, "EC_ILLEGAL_SUBSCRIBER", true}, 13: {1, "EC_CALL_BARRED", false}, 27: {1, "EC_ABSENT_SUBSCRIBER", false}, 34: {1, "EC_SYSTEM_FAILURE", false},
	255: {1, "EC_UNKNOWN_ERROR", false}, 500: {1, "EC_PROVIDER_GENERAL_ERROR", false}, 502: {1, "EC_NO_RESPONSE", false}, 5492: {3, "EC_DUPLICATE_MESSAGE", true},
	7001: {1, "EC_UNKNOWN_APPLICATION", true}, 7002: {1, "EC_UNKNOWN_USER", true}, 7003: {1, "EC_BLOCKED_USER", true}, 7004: {1, "EC_UNAUTHORIZED_ACCESS", true},
	7005: {1, "EC_FORBIDDEN_ACCESS", true}, 7006: {1, "EC_BAD_REQUEST", true}, 7007: {1, "EC_ILLEGAL_TRAFFIC_TYPE", true}, 7008: {1, "EC_INVALID_TEMPLATE_ARGS", true},
	7009: {1, "EC_INVALID_TEMPLATE", true}, 7010: {1, "EC_NO_SESSION", true}, 7011: {1, "EC_ACCOUNT_ISSUE", true}, 7012: {1, "EC_DEPLOYMENT_CONFIGURATION_ERROR", false},
	7013: {1, "EC_MEDIA_HOSTING_ERROR", false}, 7014: {1, "EC_MEDIA_UPLOAD_ERROR", false}, 7015: {1, "EC_MEDIA_METADATA_ERROR", true}, 7016: {1, "EC_SPAM_RATE", true},
	7017: {1, "EC_TOO_MANY_REQUESTS", false}, 7018: {1, "EC_INTERNAL_BAD_MAPPING", true}, 7019: {1, "EC_PROVIDER_BILLING_ERROR", true},
	7020: {1, "EC_DEVICE_REPRODUCTION_ERROR", true}, 7021: {1, "EC_LIMITED_FUNCTIONALITY", true}, 7022: {1, "EC_MEDIA_UNSUPPORTED", true},
	7023: {1, "EC_DATA_MISMATCH", true}, 7024: {1, "EC_NOT_ALLOWED_SENDING_TIME", false}, 7025: {1, "EC_UNSUPPORTED_MOBILE_APP_VERSION", true},
	7026: {1, "EC_MESSAGE_TYPE_EXHAUSTED", true}, 7027: {1, "EC_BLOCKED_CONTENT", true}, 7029: {1, "EC_USER_IDENTITY_CHANGED", true},
	7030: {1, "EC_TEMPLATE_BLOCKED_BY_USER", true}, 7031: {1, "EC_INVALID_WA_FLOW", true}, 7032: {1, "EC_FREQUENCY_CAPPING", true}, 7033: {1, "EC_MARKETING_OPT_OUT", true},
	7034: {1, "EC_SENDER_NOT_REGISTERED", true}, 7035: {1, "EC_CALL_PERMISSION_REQUEST_FAILED", false}, 7036: {2, "EC_TEMPLATE_NOT_SYNCED", false},
	7037: {2, "EC_TEMPLATE_NOT_AVAILABLE", false}, 7038: {2, "EC_INVALID_WA_ACCOUNT_TYPE", true}, 7050: {2, "EC_PROVIDER_INTERNAL_ERROR", false},
	7051: {2, "EC_PROVIDER_TIMEOUT", false}, 7052: {2, "EC_PROVIDER_DR_ERROR", true}, 7080: {3, "EC_INTERNAL_ERROR", true}, 7081: {3, "EC_CONFIGURATION_ERROR", true},
	7082: {3, "EC_TEMPORARY_GATEWAY_ERROR", true}, 7083: {3, "EC_SERVICE_NOT_ACTIVATED", true}, 7084: {3, "EC_MISSING_SENDER_METADATA", true},
	7102: {1, "EC_PHONE_MATCHING_DISABLED", true}, 7201: {1, "EC_UNSUPPORTED_DEVICE", true}, 7280: {3, "EC_DUPLICATE_REQUEST", true}, 7281: {3, "EC_BAD_ORIGIN", true},
}

// StatusIDs and ErrorIDs are the codes that the account knows.
func StatusIDs() (ids []int) { return keys(statusRegistry) }

// ErrorIDs are the codes that say why.
func ErrorIDs() (ids []int) { return keys(errorRegistry) }

func keys(m map[int]entry) (ids []int) {
	for id := range m {
		ids = append(ids, id)
	}
	return ids
}

func statusOf(id int) map[string]any {
	e, ok := statusRegistry[id]
	if !ok {
		e = entry{5, "REJECTED_" + strconv.Itoa(id), false}
	}
	return map[string]any{"groupId": e.group, "groupName": groupNames[e.group], "id": id, "name": e.name, "description": e.name}
}

func errorOf(id int) map[string]any {
	if id == 0 {
		return map[string]any{"id": 0, "name": "NO_ERROR", "description": "No Error", "groupId": 0, "groupName": "OK", "permanent": false}
	}
	e, ok := errorRegistry[id]
	if !ok {
		e = entry{1, "EC_" + strconv.Itoa(id), id%2 == 0}
	}
	return map[string]any{"id": id, "name": e.name, "description": e.name, "groupId": e.group, "groupName": "HANDSET_ERRORS", "permanent": e.permanent}
}
