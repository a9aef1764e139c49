import CSQLite
import Millrace
import MillraceBackends
import MillraceCore
import MillraceDatabase
import MillraceServer
import Testing

extension IntegrationTests {
    /// What readers see when the disk is full, and that no end is seen before it is stored.
    @Suite struct StorageFailureTests {
        /// Makes a store's commits fail or wait.
        private final class Fault: Sendable {
            private struct State {
                var isFull = false
                var failures = 0
                /// Failures after which the disk has room again.
                var failuresLeft = Int.max
                var holds = false
                var isHolding = false
            }
            private let state = Monitor(State())

            func hook(_ operation: SQLiteOperation) -> Int32? {
                guard operation == .commit else { return nil }
                return state.wait { state -> Int32?? in
                    if state.holds {
                        state.isHolding = true
                        return nil
                    }
                    guard state.isFull, state.failuresLeft > 0 else { return .some(nil) }
                    state.failuresLeft -= 1
                    state.failures += 1
                    return .some(SQLITE_FULL)
                }
            }

            func fill(for failures: Int = .max) {
                state.updateAndWakeAll {
                    $0.isFull = true
                    $0.failuresLeft = failures
                }
            }
            func free() { state.updateAndWakeAll { $0.isFull = false } }
            func hold() { state.updateAndWakeAll { $0.holds = true } }
            func release() { state.updateAndWakeAll { $0.holds = false } }
            /// Blocks until the writer stands before a commit.
            func waitUntilHolding() -> Bool {
                // The waiter changes the state under the lock before it waits, so a short look again and again is not needed: each commit
                // that is held was announced by `isHolding`.
                for _ in 0..<200 {
                    let isHolding = state.wait(nanoseconds: 100_000_000) { $0.isHolding ? true : nil }
                    if isHolding == true { return true }
                }
                return false
            }
            var failures: Int { state.wait { $0.failures } }
        }

        private static func store(_ directory: TemporaryDirectory, _ fault: Fault, patience: Int64) throws -> SQLiteStore {
            var configuration = SQLiteStore.Configuration()
            configuration.durability = .normal
            configuration.patience = patience
            return try SQLiteStore(path: directory.path + "/millrace.db", configuration: configuration, faultHook: { fault.hook($0) })
        }

        private static func stepping(_ gate: StepGate) -> ScriptedTask {
            ScriptedTask("stepping") { _, context in
                for number in 1...3 {
                    try await gate.pass()
                    try await context.emit(.content("\(number)"))
                }
            }
        }

        @Test func diskIsFullBeyondThePatience_readersAreToldAndCut_andTheRunIsClosedLater() async throws {
            let (directory, fault, gate) = (try TemporaryDirectory(), Fault(), StepGate())
            let store = try Self.store(directory, fault, patience: 100_000_000)
            try await withServer([Self.stepping(gate)], store: store, configure: { $0.loops = 1 }) { server in
                let reader = try server.start("stepping")
                let id = try #require(try reader.next()).responseID
                let second = try server.follow(id)
                fault.fill()
                gate.open()
                for reader in [reader, second] {
                    let seen = try reader.rest()
                    let error = try #require(seen.last)
                    #expect(error.event == "error")
                    #expect(error.json["error_type"] == "storage_unavailable")
                    #expect(error.json["status"] == 503)
                    #expect(!reader.isWhole, "the stream must be cut, not ended")
                    #expect(!seen.contains { $0.event == "response_end" })
                    // It takes no id of its own: a reader goes on behind the last real event.
                    #expect(
                        String(decoding: reader.bytes, as: UTF8.self).components(of: "\nid: ") == seen.count - 1
                            + (reader === second ? 0 : 1))
                }
                #expect(fault.failures > 1, "it was tried only once")
                #expect(try server.ask("GET", "/readyz").status == 503)
                // New runs are refused with a status while the disk is full.
                let refused = try server.ask(
                    "POST", "/api/v1/generate/stream", body: EventStreamClient.generateBody(task: "stepping"))
                #expect(refused.status == 503)
                #expect(refused["retry-after"] != nil)

                fault.free()
                #expect(server.log.waitForLine("closed runs that a failed store had cut off") != nil)
                #expect(try server.ask("GET", "/readyz").status == 200)
                let log = try server.log(of: id)
                #expect(log.first?.event == "response_start")
                #expect(log.suffix(2).map(\.event) == ["error", "response_end"])
                #expect(log.suffix(2).first?.json["error_type"] == "run_interrupted")
                #expect(log.last?.json["status"] == "error")
                // Who had seen more than was stored goes on behind the announced gap.
                let resumed = try server.follow(id, after: 2)
                #expect(try resumed.rest() == Array(log.suffix(2)))
                #expect(try server.ask("GET", "/api/v1/runs/\(id)").json["status"] == "error")
            }
        }

        @Test func diskIsFullForAShortWhile_onlyDelays() async throws {
            let (directory, fault, gate) = (try TemporaryDirectory(), Fault(), StepGate())
            let store = try Self.store(directory, fault, patience: 20_000_000_000)
            try await withServer([Self.stepping(gate)], store: store) { server in
                let reader = try server.start("stepping")
                _ = try reader.next()
                fault.fill(for: 5)
                gate.open(3)
                let seen = try reader.rest()
                #expect(seen.map(\.event) == ["content", "content", "content", "response_end"])
                #expect(seen.last?.json["status"] == "completed")
                #expect(fault.failures == 5)
            }
        }

        @Test(arguments: [1, 2])
        func commitIsHeld_readersHaveAllButTheEnd_untilItIsDone(loops: Int) async throws {
            let (directory, fault, gate) = (try TemporaryDirectory(), Fault(), StepGate())
            let store = try Self.store(directory, fault, patience: 20_000_000_000)
            try await withServer([Self.stepping(gate)], store: store, configure: { $0.loops = loops }) { server in
                let reader = try server.start("stepping")
                let id = try #require(try reader.next()).responseID
                let others = try (0..<4).map { _ in try server.follow(id) }
                for other in others { _ = try other.next() }
                fault.hold()
                defer { fault.release() }
                gate.open(3)
                // Content leaves before its commit.
                for reader in [reader] + others { #expect(try reader.next(3).map(\.content) == ["1", "2", "3"]) }
                #expect(fault.waitUntilHolding())
                // Several turns of every loop go by; none of them lets the end out.
                for _ in 0..<16 { #expect(try server.ask("GET", "/healthz").status == 200) }
                for reader in [reader] + others { #expect(try reader.available().isEmpty) }
                fault.release()
                for reader in [reader] + others { #expect(try reader.rest().map(\.event) == ["response_end"]) }
            }
        }
    }
}

extension String {
    /// How often `text` occurs.
    func components(of text: String) -> Int {
        var count = 0
        var rest = self[...]
        while let range = rest.firstRange(of: text) {
            count += 1
            rest = rest[range.upperBound...]
        }
        return count
    }
}
