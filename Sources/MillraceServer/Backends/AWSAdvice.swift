import MillraceAWS

/// What to do about a service's refusal, where it is the same for all services.
enum AWSAdvice {
    /// For refusals of credentials and signatures; `nil` for others.
    static func credentials(_ error: AWSServiceError) -> String? { credentials(code: error.code, message: error.message) }

    /// The same of an error that has been put into other words.
    static func credentials(code: String, message: String) -> String? {
        switch code {
        case "UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId", "AuthFailure":
            "it does not know the access key: check AWS_ACCESS_KEY_ID or the profile"
        case "InvalidSignatureException" where message.contains("scoped to a valid region"), "AuthorizationHeaderMalformed":
            "it is in another region: check aws.region and the endpoint"
        case "InvalidSignatureException", "SignatureDoesNotMatch":
            "the secret access key does not fit the access key, or something on the way changes requests: check AWS_SECRET_ACCESS_KEY or "
                + "the profile"
        case "ExpiredTokenException", "ExpiredToken": "the session has expired: renew the credentials, as with 'aws sso login'"
        case "RequestTimeTooSkewed", "RequestExpired": "this machine's clock is wrong: set it"
        case "MissingAuthenticationTokenException", "MissingSecurityHeader", "MissingAuthenticationToken":
            "it got no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile"
        case "AccessDeniedException", "AccessDenied", "Forbidden": "the credentials do not permit it: extend their policy"
        default: nil
        }
    }
}
