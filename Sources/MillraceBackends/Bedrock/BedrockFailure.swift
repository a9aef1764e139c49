import Millrace
import MillraceAWS
import MillraceCore

/// Bedrock's errors as ours.
///
/// Source: "Troubleshooting Amazon Bedrock API error codes" in the User Guide, and the errors of `ConverseStream`, `InvokeModel` and
/// `ApplyGuardrail` in the API Reference.
enum BedrockFailure {
    /// What was asked.
    enum Subject {
        /// A model, by its id.
        case model(String)
        /// A guardrail, by its id.
        case guardrail(String)

        var id: String {
            switch self {
            case .model(let id), .guardrail(let id): id
            }
        }
    }

    /// The error of a call that failed, as a model's failure; cancellation and what is no failure of the service pass as they are.
    /// - Parameters:
    ///   - subject: what was asked.
    ///   - server: the server as people call it.
    static func failure(_ error: any Error, asking subject: Subject, server: String) -> any Error {
        if let error = error as? AWSServiceError { return refused(error, asking: subject, server: server) }
        guard let error = error as? MillraceError else { return error }
        switch error.code {
        case .corruptedResponse:
            var failure = unreadable("sent an answer that cannot be read: \(error.message)", server: server, isRetryable: error.isRetryable)
            failure.details.merge(error.details) { ours, _ in ours }
            failure.details["transport_error"] = .string(error.code.rawValue)
            failure.cause = error.cause
            return failure
        case .awsCredentials:
            // Which files and variables were looked at is the operator's business, and in the log.
            return MillraceError(
                .modelError, "\(server) cannot be asked: the server has no credentials for AWS now",
                details: ["transport_error": .string(error.code.rawValue)], cause: error, isRetryable: error.isRetryable)
        default: return error.asModelFailure(provider: server)
        }
    }

    /// The error of an answer that is not what the API documents, or ends early.
    static func unreadable(_ problem: String, server: String, isRetryable: Bool = false) -> MillraceError {
        MillraceError(.modelError, "the model's server \(server) \(problem)", isRetryable: isRetryable)
    }

    /// What the service refused, or broke off.
    static func refused(_ error: AWSServiceError, asking subject: Subject, server: String) -> MillraceError {
        var details: [String: JSONValue] = ["provider_error": .string(error.code)]
        // Within a stream there is none.
        if error.status != 200 { details["provider_status"] = .integer(error.status) }
        if let id = error.requestID { details["provider_request_id"] = .string(id) }
        for (name, member) in [("originalStatusCode", "model_status"), ("originalMessage", "model_message"), ("resourceName", "resource")] {
            guard let value = error.details[name], !value.isNull else { continue }
            details[member] = value.string.map { .string(String($0.prefix(500))) } ?? value
        }
        let said = error.message.isEmpty ? "" : " (\(error.message.prefix(500)))"
        let what = error.status == 200 ? "broke the answer off with \(error.code)" : "answered \(error.status) \(error.code)"
        return MillraceError(
            .modelError, "the model's server \(server) \(what)\(advice(error, subject))\(said)", details: details,
            isRetryable: error.isRetryable || error.isThrottling || passing.contains(error.code))
    }

    /// The errors that another attempt can help with, beside those that all services have. `ModelNotReadyException` is an imported model's
    /// that is being loaded.
    private static let passing: Set = [
        "ModelNotReadyException", "ModelTimeoutException", "ModelErrorException", "ModelStreamErrorException",
        "ServiceUnavailableException", "InternalFailure",
        "ServiceUnavailable",
    ]

    private static func advice(_ error: AWSServiceError, _ subject: Subject) -> String {
        switch (error.code, subject) {
        case ("AccessDeniedException", .model(let id)), ("AccessDenied", .model(let id)), ("NotAuthorized", .model(let id)):
            return ": ask for access to \(id) in the Bedrock console, and check that the role may do bedrock:InvokeModel and "
                + "bedrock:InvokeModelWithResponseStream"
        case ("AccessDeniedException", .guardrail), ("AccessDenied", .guardrail), ("NotAuthorized", .guardrail):
            return ": check that the role may do bedrock:ApplyGuardrail"
        case ("ResourceNotFoundException", .guardrail(let id)), ("ResourceNotFound", .guardrail(let id)):
            return ": check the guardrail's id '\(id)' and its version, and whether the region has it"
        default: return advice(error, id: subject.id)
        }
    }

    private static func advice(_ error: AWSServiceError, id model: String) -> String {
        switch error.code {
        case "ResourceNotFoundException", "ResourceNotFound":
            return ": check the model's id '\(model)', and whether the region has it"
        case "ThrottlingException", "TooManyRequestsException": return ": it limits requests and tokens a minute; try again later"
        case "ServiceQuotaExceededException": return ": a quota of the account is used up; ask for a higher one in Service Quotas"
        case "ModelNotReadyException": return ": the model is being loaded; try again in some minutes"
        case "ModelTimeoutException": return ": the model took too long; ask for less, or try again"
        case "ModelErrorException", "ModelStreamErrorException": return ": the model failed; try again"
        case "InternalServerException", "ServiceUnavailableException", "InternalFailure", "ServiceUnavailable": return ": try again later"
        case "ExpiredTokenException", "ExpiredToken": return ": the credentials have expired; sign in again or renew them"
        case "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch",
            "MissingAuthenticationTokenException", "MissingAuthenticationToken", "IncompleteSignature", "OptInRequired":
            return ": check the AWS credentials, and the clock"
        case "RequestEntityTooLargeException": return ": the request is too large; send fewer or shorter documents and images"
        case "ValidationException", "ValidationError": return adviceOnValidation(error.message, model: model)
        default: return error.status == 413 ? ": the request is too large; send fewer or shorter documents and images" : ""
        }
    }

    /// One code stands for all that can be wrong with a request; the service's sentence tells which it is.
    private static func adviceOnValidation(_ message: String, model: String) -> String {
        let message = message.lowercased()
        func says(_ words: String...) -> Bool { words.contains { message.contains($0) } }
        if says("on-demand throughput") {
            return ": use the id of an inference profile in place of '\(model)', such as 'us.\(model)' or 'eu.\(model)'"
        }
        if says("model identifier is invalid", "provided model") {
            return ": check the model's id '\(model)', and whether the region has it"
        }
        if says(
            "too long", "too many input tokens", "maximum context length", "context window", "exceeds the maximum", "too many total text")
        {
            return ": the conversation is too long for the model; send fewer or shorter turns and documents"
        }
        return ""
    }
}
