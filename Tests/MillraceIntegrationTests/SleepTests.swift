import Millrace
import MillraceCore
import Testing

extension IntegrationTests {
    /// A handler's sleeps end with its run, whichever of its tasks sleeps.
    @Suite struct SleepTests {
        private enum Sleeper: String, CaseIterable {
            case ownTask
            case childTask
            case detachedTask
            case manyOfNoTime
            case afterTheCancel
        }

        private static func handler(_ sleeper: Sleeper, _ notes: Notes) -> ScriptedTask {
            ScriptedTask("sleeper") { _, context in
                try await context.emit(.content("asleep"))
                do {
                    switch sleeper {
                    case .ownTask: try await context.sleep(for: .seconds(600))
                    case .childTask:
                        try await withThrowingTaskGroup(of: Void.self) { group in
                            for _ in 0..<3 { group.addTask { try await context.sleep(for: .seconds(600)) } }
                            try await group.waitForAll()
                        }
                    case .detachedTask:
                        let task = Task.detached { try await context.sleep(for: .seconds(600)) }
                        try await withTaskCancellationHandler {
                            try await task.value
                        } onCancel: {
                            task.cancel()
                        }
                    case .manyOfNoTime: while true { try await context.sleep(for: .zero) }
                    case .afterTheCancel:
                        try? await context.sleep(for: .seconds(600))
                        try await context.sleep(for: .seconds(600))
                    }
                } catch is CancellationError {
                    notes.note("cancelled")
                }
            }
        }

        @Test(arguments: Sleeper.allCases.map(\.rawValue))
        func cancel_wakesWhoSleeps(_ name: String) async throws {
            let notes = Notes()
            let sleeper = try #require(Sleeper(rawValue: name))
            try await withServer([Self.handler(sleeper, notes)]) { server in
                let reader = try server.start("sleeper")
                let id = try #require(try reader.next(2).last).responseID
                #expect(try server.ask("POST", "/api/v1/runs/\(id)/cancel").status == 202)
                #expect(notes.wait("cancelled"))
                #expect(try reader.rest().last?.json["status"] == "cancelled")
            }
        }

        /// The handler's own task and its children sleep side by side, each as long as it asked for.
        @Test func sleepsSideBySide_eachWakesByItself() async throws {
            let sleeper = ScriptedTask("sleeper") { _, context in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for milliseconds in [30, 10, 20] {
                        group.addTask {
                            try await context.sleep(for: .milliseconds(milliseconds))
                            try await context.emit(.content("\(milliseconds)"))
                        }
                    }
                    try await context.sleep(for: .milliseconds(40))
                    try await context.emit(.content("own"))
                    try await group.waitForAll()
                }
            }
            try await withServer([sleeper]) { server in
                let events = try server.start("sleeper").rest()
                #expect(Set(events.compactMap { $0.json["content"]?.string }) == ["10", "20", "30", "own"])
            }
        }
    }
}
