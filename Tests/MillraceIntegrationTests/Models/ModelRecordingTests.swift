import Millrace
import MillraceCore
import MillraceServer
import Testing

extension IntegrationTests {
    /// A server that has recorded its models plays them again without them.
    @Suite struct ModelRecordingTests {
        /// What a client got, with everything replaced that is new in each run: ids by their order, and times.
        private static func normalized(_ bytes: [UInt8]) -> String {
            var names: [Substring: String] = [:]
            let text = String(decoding: bytes, as: UTF8.self).replacing(/(?:r|c|m|req)_[0-9a-z]{26}/) { match in
                let name = names[match.output] ?? "ID\(names.count)"
                names[match.output] = name
                return name
            }
            return text.replacing(/"timestamp":"[^"]*"/, with: "\"timestamp\":\"T\"").replacing(
                /"milliseconds":\d+/, with: "\"milliseconds\":0")
        }

        private static let questions: [(text: String, members: [String: JSONValue])] = [
            ("one two three #think=2", [:]), ("and again #cached=2", [:]), ("one two three #think=2", [:]), ("broken off #cut=mid", [:]),
            ("refused #error=401", [:]), ("an error within #error=mid", [:]), ("cut #finish=length", [:]),
        ]

        @Test(arguments: ModelProvider.allCases)
        func recordedServerIsReplayed_streamsAreTheSameByteForByte(provider: ModelProvider) async throws {
            guard let upstream = try ModelServer.start() else { return }
            let recordings = TestFiles.temporaryPath("recordings")
            defer { TestFiles.remove(recordings) }
            let thinking = provider == .anthropic ? ["thinking: adaptive"] : []
            func streams(_ line: String, key: Bool) async throws -> [String] {
                var yaml = provider.configuration(at: upstream.url, line)
                if let option = thinking.first { yaml += "    \(option)\n" }
                let base = try ServerSettings(yaml: yaml, environment: key ? ["MODEL_KEY": ModelServer.key] : [:])
                return try await withServer(base: base) { server in
                    try Self.questions.map { question in
                        let reader = try server.start("chat", text: question.text, question.members)
                        _ = try reader.rest()
                        return Self.normalized(reader.bytes)
                    }
                }
            }
            let recorded = try await streams("record: \(recordings)", key: true)
            upstream.stop()
            let replayed = try await streams("replay: \(recordings)", key: false)
            #expect(recorded.count == Self.questions.count && recorded[0].contains("event: content"))
            for (index, pair) in zip(recorded, replayed).enumerated() {
                #expect(pair.0 == pair.1, "question \(index)")
            }
            // What was never asked is an error that says where its recording would be.
            let base = try ServerSettings(yaml: provider.configuration(at: upstream.url, "replay: \(recordings)"), environment: [:])
            try await withServer(base: base) { server in
                let events = try server.run("chat", "never asked")
                #expect(events.last?.json["status"] == "error")
                #expect(events.dropLast().last?.json["message"]?.string?.contains("no recording") == true)
            }
        }
    }
}
