import MillraceCore

/// OpenSearch's own form of an error: `{"error": {"root_cause": […], "type": …, "reason": …}, "status": …}`.
enum OpenSearchErrorBody {
    /// Reads what the common form has left over.
    static func error(of error: AWSServiceError) -> AWSServiceError {
        // A deletion by query that ended at a conflict has no error, but says what failed.
        guard let body = error.details["error"] ?? error.details["failures"]?[0]?["cause"] else {
            // A proxy, the security plugin or the service in front of the cluster has answered.
            var error = error
            error.service = serviceName
            error.isRetryable = isRetryable(error.status)
            return error
        }
        return self.error(body, status: error.status, requestID: error.requestID)
    }

    /// Reads the member `error` of an answer, or of a bulk request's item.
    static func error(_ body: JSONValue, status: Int, requestID: String? = nil) -> AWSServiceError {
        var code = body["type"]?.string ?? "Unknown"
        var message = body["reason"]?.string ?? body.string ?? ""
        // "all shards failed" says less than what happened on one of them.
        if code == "search_phase_execution_exception", let cause = body["root_cause"]?[0], let type = cause["type"]?.string {
            code = type
            message = cause["reason"]?.string ?? message
        }
        for cause in sequence(first: body["caused_by"], next: { $0?["caused_by"] }).prefix(maximumDepth) {
            guard let reason = cause?["reason"]?.string else { break }
            if !message.contains(reason) { message += ": " + reason }
        }
        return AWSServiceError(
            service: serviceName, code: code, message: message, status: status, requestID: requestID, isRetryable: isRetryable(status),
            details: body.object ?? [:])
    }

    /// Whether the same request may succeed later.
    static func isRetryable(_ status: Int) -> Bool { [429, 502, 503, 504].contains(status) }

    private static let serviceName = "OpenSearch"
    private static let maximumDepth = 4
}
