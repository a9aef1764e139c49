import MillraceCore
import MillraceServer

/// The files that `millrace new` writes. Names stand between ‹ and › (``ScaffoldNames``).
enum Scaffold {
    struct File {
        /// Below the new folder.
        var path: String
        var isProgram = false
        var text: String
    }

    static func files() throws(MillraceError) -> [File] {
        // As `millrace prompts embed` makes it.
        let prompts = try EmbeddedPromptsFile(typeName: "‹type›Prompts", texts: ["system.xml.j2": system]).source()
        return [
            File(path: "Package.swift", text: package), File(path: ".gitignore", text: ".build/\n.env\n.millrace/\n"),
            File(path: "README.md", text: readme), File(path: "config.yaml", text: configuration),
            File(path: "data/handbook.md", text: handbook), File(path: "scripts/ask.sh", isProgram: true, text: ask),
            File(path: "Sources/‹module›/‹type›Handler.swift", text: handler),
            File(path: "Sources/‹module›/‹type›Settings.swift", text: settings),
            File(path: "Sources/‹module›/‹type›Prompts.swift", text: prompts),
            File(path: "Sources/‹module›/prompts/system.xml.j2", text: system),
            File(path: "Sources/‹program›/main.swift", text: main),
            File(path: "Tests/‹module›Tests/‹type›HandlerTests.swift", text: tests),
        ]
    }

    /// What to do now, and the one line that another server would need.
    static let nextSteps = """
        Build it, test it, start it:

          cd ‹folder›
          swift test
          swift run ‹program›

        and in another terminal, ask it about data/handbook.md:

          ‹folder›/scripts/ask.sh "How many days of holiday are there?"

        Sources/‹program›/main.swift registers it. To serve it from another program, add this line where that registers its handlers:

          try registry.register(‹type›Handler(models: clients.models, settings: clients.settings(‹type›Settings.self)))


        """

    private static let package = """
        // swift-tools-version: 6.2
        import PackageDescription

        let package = Package(
            name: "‹dashed›",
            dependencies: [.package(name: "millrace", path: "‹millrace›")],
            targets: [
                .target(name: "‹module›", dependencies: [.product(name: "Millrace", package: "millrace")], exclude: ["prompts"]),
                .executableTarget(
                    name: "‹program›", dependencies: ["‹module›", .product(name: "MillraceServer", package: "millrace")]),
                .testTarget(
                    name: "‹module›Tests",
                    dependencies: [
                        "‹module›", .product(name: "MillraceBackends", package: "millrace"),
                        .product(name: "MillraceServer", package: "millrace"),
                    ]),
            ]
        )

        """

    private static let readme = """
        # ‹title›

        The handler `‹task›` and the program that serves it.

        | where | what |
        |---|---|
        | `Sources/‹module›/‹type›Handler.swift` | what it does |
        | `Sources/‹module›/‹type›Settings.swift` | what `config.yaml` may set of it |
        | `Sources/‹module›/prompts/` | its prompts, which `‹type›Prompts.swift` puts into the program |
        | `Sources/‹program›/main.swift` | the server, and where the handler is registered |
        | `Tests/` | its tests: `swift test` |
        | `config.yaml` | settings of this example |
        | `data/` | a text to ask about |
        | `scripts/ask.sh` | asks the server about it |

        ## Start

        ```sh
        swift run ‹program›
        ```

        and in another terminal:

        ```sh
        scripts/ask.sh "How many days of holiday are there?"
        ```

        The answer streams as server-sent events: `document` names what it was given, `content` is the answer, `citation` where it stands.

        ## Settings

        `‹property›Config` in `config.yaml`, or as variables of the environment or `.env`:

        | key | variable | default |
        |---|---|---|
        | `maxQuestionCharacters` | `‹variable›_MAX_QUESTION_CHARACTERS` | 4000 |

        ## Prompts

        `Sources/‹module›/prompts/system.xml.j2` is what the model is told. To try another one while the server runs, put it into
        `prompts/‹task›/system.xml.j2` here: it takes effect at once. To keep it, change the file in `Sources` and make the Swift file anew:

        ```sh
        swift run --package-path ‹millrace› millrace prompts embed Sources/‹module›/prompts Sources/‹module›/‹type›Prompts.swift
        ```

        `millrace config check --config config.yaml` knows only the settings of Millrace's own handlers; `swift run ‹program›` checks these.

        """

    private static let configuration = """
        # Settings of this example; a section for each environment inherits what stands above it.
        env: dev

        server:
          host: 127.0.0.1
          port: 8000
          # What the server keeps: runs, chats, uploads. `data/` is the example's.
          dataDirectory: .millrace

        ‹property›Config:
          maxQuestionCharacters: 4000

        dev:
          log: {level: info}

        prod:
          log: {format: json}

        """

    private static let handbook = """
        # Handbook

        ## Holidays

        Everybody has 28 days of holiday a year. Up to five days may be taken over into the next year until the end of March.

        ## Expenses

        Receipts are handed in within 30 days. Travel by train is paid in second class.

        """

    private static let ask = #"""
        #!/bin/sh
        # Asks the running server about the texts in data/: scripts/ask.sh "QUESTION" [URL of the server]
        set -eu
        folder="$(cd "$(dirname "$0")/.." && pwd)"
        # As it stands in a JSON string.
        quoted() { printf '%s' "$1" | tr '\000-\037' ' ' | sed 's/\\/\\\\/g; s/"/\\"/g'; }
        documents=""
        for file in "$folder"/data/*; do
            [ -f "$file" ] || continue
            data="$(base64 -w0 "$file")"
            title="$(quoted "$(basename "$file")")"
            documents="$documents, {\"part_kind\": \"document\", \"title\": \"$title\", \"mime_type\": \"text/plain\", \"data\": \"$data\"}"
        done
        printf '{"task": "‹task›", "parts": [{"content": "%s"}%s]}' "$(quoted "$1")" "$documents" |
            curl -sN "${2:-http://127.0.0.1:8000}/api/v1/generate/stream" -H 'Content-Type: application/json' --data-binary @-

        """#

    private static let handler = """
        import Millrace
        import MillraceCore

        /// `‹task›`: answers a question about the texts that come with it.
        public struct ‹type›Handler: TaskHandler {
            public let name = "‹task›"
            public let description = "Answers questions about the texts that come with them"

            private let models: LanguageModelRegistry
            private let settings: LiveSettings<‹type›Settings>
            private let prompts: PromptFolder

            /// The templates that come along.
            public static let embeddedPrompts = ‹type›Prompts.files

            public init(
                models: LanguageModelRegistry, settings: LiveSettings<‹type›Settings> = LiveSettings(),
                prompts: PromptFolder = PromptFolder("‹task›", ‹type›Handler.embeddedPrompts)
            ) {
                self.models = models
                self.settings = settings
                self.prompts = prompts
            }

            public func handle(_ request: TaskRequest, _ context: RunContext) async throws {
                // Taken once: a reload in the middle of a run does not change it for this run.
                let settings = settings.current
                guard !request.text.isEmpty else {
                    throw MillraceError(.invalidInput, "there is no question: send a text part", details: ["field": "parts"])
                }
                guard request.text.count <= settings.maxQuestionCharacters else {
                    throw MillraceError(
                        .invalidInput, "the question is longer than \\(settings.maxQuestionCharacters) characters", details: ["field": "parts"])
                }

                let documents = Self.documents(of: request.message)
                for document in documents {
                    try await context.emit(.document(DocumentReference(documentID: document.id, title: document.title)))
                }
                try await context.emit(.status("reading", message: "Reading \\(documents.count) texts"))

                // The run's record names the prompt, its version and its hash.
                let titles = documents.map { JSONValue.string($0.title) }
                let system = try prompts.render("system.xml.j2", ["titles": .array(titles)], in: context)
                let prompt = ModelRequest(
                    system: system, turns: [.init(role: .user, parts: [.text(request.text)])], documents: documents)
                let answer = try await context.generate(prompt, with: try models.model(for: request))
                try await context.emit(.metadata(["documents": .integer(documents.count), "characters": .integer(answer.text.count)]))
            }

            /// The texts that came with the message.
            private static func documents(of message: Message) -> [ModelDocument] {
                var documents: [ModelDocument] = []
                for case .document(let attachment) in message.parts {
                    guard let text = attachment.text else { continue }
                    let id = "doc_\\(documents.count + 1)"
                    documents.append(ModelDocument(id: id, title: attachment.title ?? id, text: text))
                }
                return documents
            }
        }

        """

    private static let system = """
        <instructions>
        Answer from the texts alone. Say so when they do not answer the question.
        </instructions>
        <texts>
        {%- for title in titles %}
        <title>{{ title }}</title>
        {%- endfor %}
        </texts>

        """

    private static let settings = """
        import Millrace

        /// What configuration may set of ``‹type›Handler``.
        public struct ‹type›Settings: HandlerSettings {
            /// How long a question may be, in characters (default: 4,000).
            public var maxQuestionCharacters = 4000

            public static let group = "‹property›Config"
            public static let fields: [SettingField<Self>] = [
                .integer("maxQuestionCharacters", \\.maxQuestionCharacters, in: 1...100_000, "how long a question may be, in characters")
            ]

            public init() {}
        }

        """

    private static let main = """
        import Foundation
        import MillraceServer
        import ‹module›

        do {
            let sources = SettingsSources(environment: ProcessInfo.processInfo.environment)
            let read: @Sendable () throws -> SettingsReport = { try SettingsLoader.load(sources, handlers: [‹type›Settings.self]) }
            let report = try read()
            let server = try Server(settings: report.settings) { registry, clients in
                let prompts = try clients.prompts.folder("‹task›", embedded: ‹type›Handler.embeddedPrompts)
                let settings = try clients.settings(‹type›Settings.self)
                try registry.register(‹type›Handler(models: clients.models, settings: settings, prompts: prompts), isDefault: true)
            }
            exit(try server.run(reload: SettingsReload(report, read: read)))
        } catch {
            print("‹program›: \\(error)")
            exit(1)
        }

        """

    private static let tests = """
        import Millrace
        import MillraceBackends
        import MillraceCore
        import Testing
        import ‹module›

        @Suite struct ‹type›HandlerTests {
            @Test func question_isAnsweredFromTheTextThatCameWithIt() async throws {
                let recorder = RunRecorder()
                let text = Attachment(
                    data: Array("Everybody has 28 days of holiday a year. Receipts are handed in within 30 days.".utf8),
                    mimeType: "text/plain", title: "handbook.md")
                try await Self.ask([.text("How many days of holiday are there?"), .document(text)], recorder)
                #expect(recorder.text.contains("28 days"))
                #expect(recorder.events.contains { $0.kind == .document } && recorder.events.contains { $0.kind == .citation })
            }

            @Test func noQuestion_isAnError() async throws {
                let error = await #expect(throws: MillraceError.self) { try await Self.ask([.text("")], RunRecorder()) }
                #expect(error?.code == .invalidInput)
            }

            @Test func questionAtItsLimit_isTaken_andOneCharacterMoreIsNot() async throws {
                var settings = ‹type›Settings()
                settings.maxQuestionCharacters = 5
                try await Self.ask([.text("12345")], RunRecorder(), settings)
                await #expect(throws: MillraceError.self) { try await Self.ask([.text("123456")], RunRecorder(), settings) }
            }

            private static func ask(
                _ parts: [MessagePart], _ recorder: RunRecorder, _ settings: ‹type›Settings = ‹type›Settings()
            ) async throws {
                let models = try LanguageModelRegistry(default: LocalLanguageModel())
                let message = Message(id: "m_1", chatID: "c_1", parentID: nil, role: .user, parts: parts, createdAt: .now())
                let request = TaskRequest(responseID: "r_1", requestID: "q_1", chatID: "c_1", task: "‹task›", message: message)
                try await ‹type›Handler(models: models, settings: LiveSettings(settings)).handle(request, recorder.context)
            }
        }

        """
}
