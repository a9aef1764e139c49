import Millrace
import MillraceAWS
import MillraceBackends
import MillraceCore
import MillraceCounterparts
import Testing

@Suite(.timeLimit(.minutes(2)), .ownThreads) struct SecretsManagerStoreTests {
    private typealias Answer = SecretsManagerScript.Answer
    private let time = ManualTime()

    private func store(_ script: SecretsManagerScript, prefix: String = "") -> SecretsManagerStore {
        SecretsManagerStore(SecretsManagerServer.client("http://unused", script), namePrefix: prefix, time: time.source)
    }

    private func refusal(_ body: () async throws -> Void) async -> MillraceError? {
        do {
            try await body()
            return nil
        } catch { return error as? MillraceError }
    }

    @Test func rotation_behindOurBack_isSeenAfterTheTimeOrWhenForgotten() async throws {
        guard let server = try SecretsManagerServer.running() else { return }
        let prefix = Identifier.make(prefix: "test") + "/"
        let store = SecretsManagerStore(server.client, namePrefix: prefix, time: time.source)
        try await store.set("key", "one")
        let first = try await store.secret("key")
        try server.boto("put", prefix + "key", "two")
        time.advance(.seconds(299))
        #expect(try await store.secret("key") == first)
        time.advance(.seconds(1))
        let second = try await store.secret("key")
        #expect(second.value == "two")
        #expect(second.version != first.version)
        try server.boto("put", prefix + "key", "three")
        #expect(try await store.secret("key") == second)
        await store.forget("key")
        #expect(try await store.secret("key").value == "three")
    }

    @Test func list_seesItsPrefixOnly_overAllPages() async throws {
        guard let server = try SecretsManagerServer.running() else { return }
        let prefix = Identifier.make(prefix: "test") + "/"
        let store = SecretsManagerStore(server.client, namePrefix: prefix)
        let other = SecretsManagerStore(server.client, namePrefix: prefix.uppercased())
        try await other.set("foreign", "v")
        var names: [String] = []
        for index in 0..<105 {
            names.append("k\(index)")
            try await store.set("k\(index)", "v")
        }
        #expect(try await store.list().map(\.name) == names.sorted())
    }

    @Test func binarySecret_isListedAndNotRead() async throws {
        guard let server = try SecretsManagerServer.running() else { return }
        let prefix = Identifier.make(prefix: "test") + "/"
        try server.boto("put-binary", prefix + "key", "00ff")
        let store = SecretsManagerStore(server.client, namePrefix: prefix)
        #expect(await refusal { _ = try await store.secret("key") }?.code == .conflict)
        #expect(try await server.client.getSecretValue(prefix + "key").content == .binary([0, 0xFF]))
        #expect(try await store.list().map(\.name) == ["key"])
    }

    @Test func rotate_withoutAConfiguredRotation_saysSo() async throws {
        guard let server = try SecretsManagerServer.running() else { return }
        let prefix = Identifier.make(prefix: "test") + "/"
        let store = SecretsManagerStore(server.client, namePrefix: prefix)
        try await store.set("key", "one")
        let error = await refusal { try await store.rotate("key") }
        #expect(error?.code == .conflict)
        #expect(error?.message.contains("no rotation is configured") == true)
        #expect(await refusal { try await store.rotate("none") }?.code == .notFound)
        let script = SecretsManagerScript { operation, _ in
            Answer(body: operation == "DescribeSecret" ? ["RotationEnabled": true] : ["VersionId": "v9"])
        }
        #expect(try await self.store(script).rotate("key") == "v9")
    }

    @Test func callersAtTheSameTime_shareOneRequest() async throws {
        let gate = Gate()
        let script = SecretsManagerScript { _, _ in
            await gate.pass()
            return .value("v")
        }
        let store = store(script)
        let values = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<20 { group.addTask { try await store.secret("k").value } }
            await gate.waitForArrival()
            gate.open()
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(values == Array(repeating: "v", count: 20))
        #expect(script.asked == ["GetSecretValue"])
    }

    @Test func firstCaller_cancelled_leavesTheOthersTheirAnswer() async throws {
        let gate = Gate()
        let script = SecretsManagerScript { _, _ in
            await gate.pass()
            try Task.checkCancellation()
            return .value("v")
        }
        let store = store(script)
        let first = Task { try await store.secret("k").value }
        await gate.waitForArrival()
        let second = Task { try await store.secret("k").value }
        first.cancel()
        gate.open()
        await #expect(throws: CancellationError.self) { try await first.value }
        #expect(try await second.value == "v")
    }

    @Test func answer_thatWasForgottenOnItsWay_isNotKept() async throws {
        let gate = Gate()
        let count = Locked(0)
        let script = SecretsManagerScript { _, _ in
            let number = count.withLock {
                $0 += 1
                return $0
            }
            if number == 1 { await gate.pass() }
            return .value("value \(number)")
        }
        let store = store(script)
        let early = Task { try await store.secret("k").value }
        await gate.waitForArrival()
        await store.forget("k")
        // Whoever asks after that does not get what was asked for before.
        #expect(try await store.secret("k").value == "value 2")
        gate.open()
        #expect(try await early.value == "value 1")
        #expect(try await store.secret("k").value == "value 2")
    }

    @Test func absence_isKnownForTenSeconds() async throws {
        let script = SecretsManagerScript { _, _ in .error("ResourceNotFoundException") }
        let store = store(script)
        for _ in 0..<3 { #expect(await refusal { _ = try await store.secret("k") }?.code == .notFound) }
        #expect(script.asked.count == 1)
        time.advance(.seconds(10))
        #expect(await refusal { _ = try await store.secret("k") }?.code == .notFound)
        #expect(script.asked.count == 2)
    }

    @Test func outage_servesTheOldValueForABoundedTime() async throws {
        let isDown = Locked(false)
        let script = SecretsManagerScript { _, _ in
            isDown.withLock { $0 } ? .error("InternalServiceError", status: 500) : .value("v")
        }
        let store = store(script)
        #expect(try await store.secret("k").value == "v")
        isDown.withLock { $0 = true }
        time.advance(.seconds(300))
        #expect(try await store.secret("k").value == "v")
        #expect(script.asked.count == 2)
        // The service is left alone for a while.
        #expect(try await store.secret("k").value == "v")
        #expect(script.asked.count == 2)
        time.advance(.seconds(10))
        #expect(try await store.secret("k").value == "v")
        #expect(script.asked.count == 3)
        time.advance(.seconds(3590))
        let error = await refusal { _ = try await store.secret("k") }
        #expect(error?.code == .storageUnavailable)
        #expect(error?.isRetryable == true)
        isDown.withLock { $0 = false }
        #expect(try await store.secret("k").value == "v")
    }

    @Test func outage_afterForget_givesNothingOld() async throws {
        let isDown = Locked(false)
        let script = SecretsManagerScript { _, _ in
            if isDown.withLock({ $0 }) { throw MillraceError(.timeout, "too slow", isRetryable: true) }
            return .value("v")
        }
        let store = store(script)
        _ = try await store.secret("k")
        isDown.withLock { $0 = true }
        await store.forget("k")
        #expect(await refusal { _ = try await store.secret("k") }?.code == .storageUnavailable)
    }

    @Test(arguments: ["AccessDeniedException", "DecryptionFailure", "UnrecognizedClientException"])
    func refusal_isNotBridgedByAnOldValue(_ code: String) async throws {
        let isRefused = Locked(false)
        let script = SecretsManagerScript { _, _ in
            isRefused.withLock { $0 } ? .error(code, message: "User arn:aws:iam::1:user/x is not allowed") : .value("v")
        }
        let store = store(script)
        _ = try await store.secret("k")
        isRefused.withLock { $0 = true }
        time.advance(.seconds(300))
        let error = await refusal { _ = try await store.secret("k") }
        #expect(error?.code == .storageUnavailable)
        #expect(error?.isRetryable == false)
        #expect(error?.message.contains(code) == true)
        // What the service says of accounts is for the log.
        #expect(error?.message.contains("arn:") == false)
        #expect(error?.cause?.contains("arn:") == true)
    }

    @Test func set_ofASecretMarkedForDeletion_restoresIt() async throws {
        let isMarked = Locked(true)
        let script = SecretsManagerScript { operation, _ in
            switch operation {
            case "RestoreSecret":
                isMarked.withLock { $0 = false }
                return Answer()
            case "DescribeSecret": return Answer(body: isMarked.withLock { $0 } ? ["DeletedDate": 1.79e9] : [:])
            default: return isMarked.withLock { $0 } ? .error("InvalidRequestException") : Answer(body: ["VersionId": "v2"])
            }
        }
        let store = store(script)
        #expect(await refusal { _ = try await store.secret("k") }?.code == .notFound)
        try await store.remove("k")
        #expect(try await store.set("k", "new") == "v2")
        #expect(
            script.asked == [
                "GetSecretValue", "DescribeSecret", "DeleteSecret", "DescribeSecret", "PutSecretValue", "DescribeSecret", "RestoreSecret",
                "PutSecretValue",
            ])
    }

    @Test func set_ofANewSecret_carriesTokensAndThePrefix() async throws {
        let script = SecretsManagerScript { operation, _ in
            operation == "PutSecretValue" ? .error("ResourceNotFoundException") : Answer(body: ["VersionId": "v1"])
        }
        #expect(try await store(script, prefix: "mill/").set("k", "v") == "v1")
        #expect(script.asked == ["PutSecretValue", "CreateSecret"])
        #expect(script.bodies.map { $0["SecretId"] ?? $0["Name"] } == ["mill/k", "mill/k"])
        for body in script.bodies { #expect((32...64).contains(body["ClientRequestToken"]?.string?.count ?? 0)) }
    }

    @Test func set_thatIsRefused_doesNotShowTheValue() async throws {
        let script = SecretsManagerScript { _, body in
            .error("ValidationException", message: "Value '\(body["SecretString"]?.string ?? "")' failed to satisfy constraint")
        }
        let error = await refusal { try await store(script).set("k", "hunter2") }
        #expect(error?.code == .storageUnavailable)
        #expect(error?.description.contains("hunter2") == false)
        #expect(error?.description.contains("ValidationException") == true)
    }

    @Test func remove_marksForDeletion_unlessToldOtherwise() async throws {
        let script = SecretsManagerScript { _, _ in Answer() }
        try await store(script).remove("k")
        try await SecretsManagerStore(SecretsManagerServer.client("http://unused", script), deletion: .immediate).remove("k")
        #expect(script.bodies.first?["RecoveryWindowInDays"] == 30)
        #expect(script.bodies.last?["ForceDeleteWithoutRecovery"] == true)
        #expect(script.bodies.last?["RecoveryWindowInDays"] == nil)
    }

    @Test func valueOfTheClient_thatIsPrinted_doesNotShow() async throws {
        let script = SecretsManagerScript { _, _ in .value("hunter2") }
        let value = try await SecretsManagerServer.client("http://unused", script).getSecretValue("k", version: "v1", stage: "S")
        var dumped = ""
        dump(value, to: &dumped)
        dump(value.content, to: &dumped)
        for text in [dumped, "\(value)", String(reflecting: value), "\(value.content)", String(reflecting: value.content)] {
            #expect(!text.contains("hunter2"))
        }
        #expect(script.bodies.first == ["SecretId": "k", "VersionId": "v1", "VersionStage": "S"])
    }
}
