public import MillraceCore

/// What an AWS service answered instead of a success.
public struct AWSServiceError: Error, Equatable, Sendable {
    /// The service, such as `S3`.
    public var service: String
    /// The service's own name for the error, such as `NoSuchKey` or `ThrottlingException`; `Unknown` where it gave none.
    public var code: String
    /// The service's own sentence; may be empty.
    public var message: String
    /// The HTTP status; 200 for an error within a stream.
    public var status: Int
    /// The id by which AWS's support finds the request.
    public var requestID: String?
    /// Whether the same call may succeed later.
    public var isRetryable: Bool
    /// Further members of the error's body, such as `CancellationReasons` of a DynamoDB transaction.
    public var details: [String: JSONValue]

    /// Creates an error.
    public init(
        service: String, code: String, message: String, status: Int, requestID: String? = nil, isRetryable: Bool? = nil,
        details: [String: JSONValue] = [:]
    ) {
        self.service = service
        self.code = code
        self.message = message
        self.status = status
        self.requestID = requestID
        self.isRetryable = isRetryable ?? (Self.isThrottling(code) || Self.isTransient(code, status: status))
        self.details = details
    }

    /// Whether the service asks for fewer requests.
    public var isThrottling: Bool { Self.isThrottling(code) || status == 429 }

    /// The codes by which services say so (the AWS SDKs' and Tools' Reference Guide, "Retry behavior").
    private static func isThrottling(_ code: String) -> Bool {
        [
            "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException", "TooManyRequestsException",
            "ProvisionedThroughputExceededException", "TransactionInProgressException", "RequestLimitExceeded", "BandwidthLimitExceeded",
            "LimitExceededException", "RequestThrottled", "SlowDown", "PriorRequestNotComplete", "EC2ThrottledException",
        ].contains(code)
    }

    private static func isTransient(_ code: String, status: Int) -> Bool {
        [
            "RequestTimeout", "RequestTimeoutException", "InternalError", "InternalServerError", "InternalServerException",
            // STS could not ask the identity provider.
            "IDPCommunicationError",
        ].contains(code) || [408, 429, 500, 502, 503, 504].contains(status)
    }
}

extension AWSServiceError: CustomStringConvertible {
    /// Such as `S3 answered 404 NoSuchKey: The specified key does not exist. (request 4442587FB7D0A2F9)`.
    public var description: String {
        "\(service) answered \(status) \(code)" + (message.isEmpty ? "" : ": \(message)") + (requestID.map { " (request \($0))" } ?? "")
    }
}
