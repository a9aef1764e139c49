import MillraceAWS
import MillraceBackends
import MillraceCore

/// Models on Amazon Bedrock: tokens are counted, which costs nothing and proves credentials, region, permission and the model's id.
extension ModelProbe {
    func ask(_ server: BedrockServerSettings, _ model: String, key: String, _ context: ProbeContext) async -> Outcome {
        if let directory = server.server.replayDirectory { return (.ok, "answers from the recordings in \(directory)") }
        let place: AWSAssembly.Bedrock
        do {
            let credential = context.backends.resolver.credential(of: server.server)
            place = try context.backends.aws.bedrock(server, credential: credential, transport: context.client, total: timeout)
        } catch { return (.unusable, error.message) }
        do {
            try await countTokens(model, place)
            return (.ok, "Bedrock in \(place.region) has '\(model)'")
        } catch let error as AWSServiceError {
            return Self.explained(error, model: model, key: key)
        } catch let error as MillraceError {
            return (.unusable, Self.unreached(error, key: key, isOwn: server.profile != nil))
        } catch { return (.unusable, "\(error)") }
    }

    private func countTokens(_ model: String, _ place: AWSAssembly.Bedrock) async throws {
        let question: JSONValue = ["input": ["converse": ["messages": [["role": "user", "content": [["text": "Hello"]]]]]]]
        _ = try await place.client.countTokens(modelID: BedrockLanguageModel.foundationModel(model), question)
    }

    private static func explained(_ error: AWSServiceError, model: String, key: String) -> Outcome {
        let said = error.message.isEmpty ? error.code : "\(error.code): \(error.message)"
        switch error.code {
        case "AccessDeniedException":
            return (.unusable, "Bedrock does not permit '\(model)': ask for access to it, and allow bedrock:InvokeModel (\(said))")
        case "ValidationException" where error.message.contains("count"), "UnsupportedOperationException":
            // Whoever says that has read the request, its signature and the model's id.
            return (.ok, "Bedrock answers for '\(model)', whose tokens it does not count")
        case "ValidationException" where model.hasPrefix("arn:"):
            return (.ok, "Bedrock answers; tokens cannot be counted for a profile by its ARN, so '\(model)' is not tried")
        case "ValidationException", "ResourceNotFoundException":
            return (.unusable, "Bedrock does not have '\(model)': check \(key).model and \(key).region (\(said))")
        case "ThrottlingException": return (.doubtful, "Bedrock answers, and limits the rate of requests: try again later")
        default:
            let advice = AWSAdvice.credentials(error) ?? "see the service's own words"
            return (.unusable, "Bedrock refuses the request: \(advice) (\(said))")
        }
    }

    /// - Parameter isOwn: whether the model has credentials of its own, of which no other line speaks.
    private static func unreached(_ error: MillraceError, key: String, isOwn: Bool) -> String {
        let message = error.message
        if error.code == .awsCredentials, !isOwn { return "AWS's credentials cannot be had: see the line 'aws'" }
        if error.code == .timeout {
            return "Bedrock does not answer in time: check \(key).url or aws.bedrockEndpoint, the region and the network"
        }
        if message.hasPrefix("nothing listens") { return "\(message): start the server, or check \(key).url or aws.bedrockEndpoint" }
        return message
    }
}
