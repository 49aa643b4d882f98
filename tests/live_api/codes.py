"""The vendor's error codes with the HTTP status and the kind of message each comes with.

Source: UpdateCallback (6469/1126929) for the 17 of Live; common error codes (6369/68677).
"""

INTERNAL = "an internal error occurred, please contact the administrator."
LIVE_CODES = {
    "CommonErr": (200, ""),
    "InvalidParam": (400, ""),
    "InvalidParam.BindError": (400, "Request parameter error, please check input data"),
    "InvalidParam.Format": (400, "URL format error"),
    "InvalidParam.OutOfRange": (400, "MessageType should be one of {[push push_end]}"),
    "InvalidParam.DomainAndApp": (400, "domain and app exist can not exist at the same time"),
    "InvalidParam.Empty": (400, "MessageType is required"),
    "RequestForbidden": (403, ""),
    "RequestForbidden.AccountIDNotAllow": (403, "this AccountID does not have permission"),
    "RequestForbidden.BillingStatus": (403, "Billing status is not available"),
    "ResourceNotFound": (404, ""),
    "ResourceNotFound.VhostNotExist": (404, "vhost not found"),
    "InternalError": (500, INTERNAL),
    "InternalError.DB": (500, INTERNAL),
    "InternalServiceError": (502, INTERNAL),
    "InternalServiceError.BadResponse": (502, INTERNAL),
    "InternalServiceTimeout": (504, "Internal Service is timeout."),
}
COMMON_CODES = {
    "MissingParameter": (400, "The request is missing Action parameter."),
    "MissingRequestInfo": (400, "The request is missing X-Date information."),
    "MissingAuthenticationToken": (401, "Request is missing Authentication Token."),
    "MissingSignature": (401, "The request is missing signature."),
    "InvalidAuthorization": (400, "Invalid 'Authorization' header."),
    "InvalidCredential": (400, "Invalid credential in 'Authorization'."),
    "InvalidTimestamp": (400, "The Signature of the request is expired."),
    "ServiceNotFound": (404, "This service[live] not found."),
    "InvalidActionOrVersion": (404, "Could not find operation."),
    "InvalidAccessKey": (401, "The accesskey included in the request is invalid."),
    "SignatureDoesNotMatch": (401, "The request signature we calculated does not match."),
    "LackPolicy": (403, "Request was rejected because of lack of policy."),
    "AccessDenied": (403, "User is not authorized to perform: live:UpdateCallback."),
    "FlowLimitExceeded": (429, "Request was rejected because of flow control."),
    "AccountFlowLimitExceeded": (400, "Request was rejected because of flow control."),
    "ServiceUnavailableTemp": (503, "Service is unavailable for a moment."),
}
CODES = {**COMMON_CODES, **LIVE_CODES}
