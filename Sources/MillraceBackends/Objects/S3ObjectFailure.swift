import Millrace
import MillraceAWS
import MillraceCore
import MillraceHTTPClient

/// What S3's refusals and what fails on the way to it mean for the user of an object store.
enum S3ObjectFailure {
    static func error(_ error: any Error, key: String, bucket: String) -> any Error {
        if error is CancellationError { return error }
        if let refusal = error as? AWSServiceError { return refused(refusal, key: key, bucket: bucket) }
        guard let failure = error as? MillraceError else {
            return MillraceError(.storageUnavailable, "the object store failed", cause: error, isRetryable: true)
        }
        switch failure.code {
        // What S3 has answered, not what the client has asked for.
        case .limitExceeded where failure.isResponseTooLong:
            return MillraceError(.storageUnavailable, "the object store cannot be used now: \(failure.message)", cause: failure)
        case .invalidInput, .conflict, .notFound, .limitExceeded, .storageFull, .storageUnavailable, .cancelled: return failure
        case .awsCredentials:
            // Which files and variables were looked at is the operator's business, and in the log.
            return MillraceError(
                .storageUnavailable, "the object store cannot be used now: the server has no credentials for AWS", cause: failure,
                isRetryable: failure.isRetryable)
        default:
            // The connection, its timeouts, a wrong certificate.
            var outer = MillraceError(
                .storageUnavailable, "the object store cannot be used now: \(failure.message)", cause: failure,
                isRetryable: failure.isRetryable)
            outer.details = failure.details
            return outer
        }
    }

    private static func refused(_ refusal: AWSServiceError, key: String, bucket: String) -> MillraceError {
        func failed(_ message: String, isRetryable: Bool = false) -> MillraceError {
            MillraceError(.storageUnavailable, message, cause: refusal, isRetryable: isRetryable)
        }
        switch refusal.code {
        case "NoSuchKey", "NoSuchVersion": return ObjectRules.noSuchObject(key)
        case "NoSuchBucket": return failed("there is no bucket '\(bucket)': create it, or correct its name in the configuration")
        case "AccessDenied", "Forbidden", "AllAccessDisabled", "AccountProblem":
            return failed("the credentials may not do this in the bucket '\(bucket)': its policy or theirs must allow it")
        case "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken", "AuthorizationHeaderMalformed":
            return failed("the bucket '\(bucket)' refuses the credentials (\(refusal.code)): check access key, secret and region")
        case "RequestTimeTooSkewed": return failed("the clock is wrong, says S3: set it", isRetryable: true)
        case "XMinioStorageFull", "InsufficientStorage", "QuotaExceeded", "XMinioAdminBucketQuotaExceeded":
            return MillraceError(.storageFull, "the object store is full", cause: refusal)
        case "EntityTooLarge", "KeyTooLongError", "MetadataTooLarge", "InvalidRange":
            return MillraceError(.invalidInput, "the object store refuses this: \(refusal.message)", cause: refusal)
        default: break
        }
        switch refusal.status {
        case 404: return ObjectRules.noSuchObject(key)
        case 412: return ObjectRules.unmetCondition(nil)
        case 507: return MillraceError(.storageFull, "the object store is full", cause: refusal)
        default: return failed("the object store failed (\(refusal.status) \(refusal.code))", isRetryable: refusal.isRetryable)
        }
    }
}
