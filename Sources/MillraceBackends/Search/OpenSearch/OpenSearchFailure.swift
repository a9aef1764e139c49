import Millrace
import MillraceAWS
import MillraceCore
import MillraceHTTPClient

/// What OpenSearch's refusals are in the words of the search seam.
enum OpenSearchFailure {
    /// Runs `body` and translates what it throws.
    static func translated<R>(_ index: String? = nil, _ body: () async throws -> R) async throws -> R {
        do { return try await body() } catch { throw self.error(error, index: index) }
    }

    static func error(_ error: any Error, index: String?) -> any Error {
        switch error {
        case let error as AWSServiceError: translated(error, index: index)
        case let error as MillraceError where isTransport(error.code) || error.isResponseTooLong:
            MillraceError(
                .storageUnavailable, "OpenSearch cannot be reached: \(error.message)", cause: error, isRetryable: error.isRetryable)
        case let error as MillraceError where error.code == .awsCredentials:
            // Which files and variables were looked at is the operator's business, and in the log.
            MillraceError(
                .storageUnavailable, "OpenSearch cannot be asked: the server has no credentials for AWS now", cause: error,
                isRetryable: error.isRetryable)
        default: error
        }
    }

    static func noIndex(_ index: String) -> MillraceError {
        MillraceError(.notFound, "the search index '\(index)' was dropped: open it again with its definition")
    }

    /// Whether a change was refused because the disk is full: the node has set its indexes read-only.
    static func isFull(_ error: AWSServiceError) -> Bool {
        error.code == "cluster_block_exception" && error.message.contains("disk usage exceeded")
    }

    static func full(_ error: AWSServiceError) -> MillraceError {
        MillraceError(
            .storageFull, "OpenSearch takes no more documents, its disk is nearly full: add storage or remove indexes", cause: error)
    }

    private static func translated(_ error: AWSServiceError, index: String?) -> MillraceError {
        if error.code == "index_not_found_exception" { return noIndex(index ?? "") }
        if isFull(error) { return full(error) }
        switch error.status {
        case 400:
            return MillraceError(.invalidInput, "OpenSearch refuses the request: \(error.message)", cause: error)
        case 401, 403:
            return MillraceError(
                .storageUnavailable,
                "OpenSearch does not let us in (\(error.status)): check user and password, or the credentials, the region, and the domain's or "
                    + "collection's access policy", cause: error)
        case 413:
            return MillraceError(
                .limitExceeded, "a request is longer than OpenSearch takes: send less at once, or raise http.max_content_length",
                cause: error)
        default:
            return MillraceError(
                .storageUnavailable, "OpenSearch failed with status \(error.status): \(error.message)", cause: error,
                isRetryable: error.isRetryable || error.status >= 500)
        }
    }

    private static func isTransport(_ code: ErrorCode) -> Bool {
        [.unreachable, .connectionLost, .circuitOpen, .timeout, .invalidJSON].contains(code)
    }
}
