import Millrace
import MillraceAWS
import MillraceCore
import MillraceCounterparts
import MillraceHTTPClient
import Testing

@testable import MillraceBackends

@Suite(.ownThreads) struct BedrockFailureTests {
    private func failure(_ code: String, _ message: String = "", status: Int = 400, guardrail: Bool = false) -> MillraceError {
        BedrockFailure.refused(
            AWSServiceError(service: "Bedrock", code: code, message: message, status: status, requestID: "r-1"),
            asking: guardrail ? .guardrail("g1") : .model("anthropic.claude-x"), server: "Bedrock in eu-west-1")
    }

    @Test(arguments: [
        ("AccessDeniedException", "", 403, "ask for access to anthropic.claude-x in the Bedrock console", false),
        ("ResourceNotFoundException", "", 404, "check the model's id 'anthropic.claude-x'", false),
        ("ThrottlingException", "Too many tokens", 429, "limits requests and tokens a minute", true),
        ("ServiceQuotaExceededException", "", 400, "a quota of the account", false),
        ("ModelNotReadyException", "", 429, "being loaded", true), ("ModelTimeoutException", "", 408, "took too long", true),
        ("ModelErrorException", "", 424, "the model failed", true), ("InternalServerException", "", 500, "try again later", true),
        ("ServiceUnavailableException", "", 503, "try again later", true), ("ExpiredTokenException", "", 403, "have expired", false),
        ("UnrecognizedClientException", "", 403, "check the AWS credentials", false),
        (
            "ValidationException", "Invocation of model ID anthropic.claude-x with on-demand throughput isn't supported.", 400,
            "inference profile", false
        ),
        ("ValidationException", "The provided model identifier is invalid.", 400, "check the model's id", false),
        ("ValidationException", "Input is too long for requested model.", 400, "conversation is too long", false),
        ("ValidationException", "prompt is too long: 200001 tokens > 200000 maximum", 400, "conversation is too long", false),
        ("RequestEntityTooLargeException", "", 413, "send fewer or shorter documents", false),
    ])
    func refusal_saysWhatToDo(code: String, message: String, status: Int, says: String, isRetryable: Bool) {
        let error = failure(code, message, status: status)
        #expect(error.code == .modelError && error.isRetryable == isRetryable)
        #expect(error.message.contains(says) && error.message.contains("answered \(status) \(code)"), "\(error.message)")
        #expect(error.message.contains(message))
        #expect(
            error.details == ["provider_error": .string(code), "provider_status": .integer(status), "provider_request_id": "r-1"])
    }

    @Test func guardrail_hasAdviceOfItsOwn() {
        #expect(failure("AccessDeniedException", status: 403, guardrail: true).message.contains("bedrock:ApplyGuardrail"))
        #expect(failure("ResourceNotFoundException", status: 404, guardrail: true).message.contains("the guardrail's id 'g1'"))
    }

    @Test func exceptionWithinAStream_tellsWhatTheModelSaid() {
        let error = BedrockFailure.refused(
            AWSServiceError(
                service: "Bedrock", code: "ModelStreamErrorException", message: "It broke.", status: 200, isRetryable: true,
                details: ["originalStatusCode": 500, "originalMessage": "the model stumbled"]),
            asking: .model("m"), server: "Bedrock in eu-west-1")
        #expect(error.message.contains("broke the answer off with ModelStreamErrorException") && error.isRetryable)
        #expect(
            error.details
                == ["provider_error": "ModelStreamErrorException", "model_status": 500, "model_message": "the model stumbled"])
    }

    @Test func longWords_areCut() {
        #expect(failure("ValidationException", String(repeating: "x", count: 10_000)).message.utf8.count < 700)
    }

    @Test(arguments: [
        (MillraceError(.corruptedResponse, "a wrong checksum", isRetryable: true), "cannot be read", true),
        (MillraceError(.awsCredentials, "no credentials were found"), "cannot be asked: the server has no credentials for AWS now", false),
        (MillraceError(.unreachable, "refused", isRetryable: true), "cannot be reached", true),
    ])
    func failureOnTheWay_isTheModels(error: MillraceError, says: String, isRetryable: Bool) throws {
        let failure = try #require(BedrockFailure.failure(error, asking: .model("m"), server: "Bedrock in x") as? MillraceError)
        #expect(failure.code == .modelError && failure.message.contains(says) && failure.isRetryable == isRetryable, "\(failure)")
        #expect(failure.details["transport_error"] == .string(error.code.rawValue))
    }

    @Test func otherErrors_passAsTheyAre() {
        #expect(BedrockFailure.failure(CancellationError(), asking: .model("m"), server: "s") is CancellationError)
        let own = MillraceError(.handlerError, "mine")
        #expect(BedrockFailure.failure(own, asking: .model("m"), server: "s") as? MillraceError == own)
    }
}
