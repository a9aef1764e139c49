// swift-tools-version: 6.2
// The map of the house: a target may import only what it lists here (`.ci/check-imports` holds every file to it).
import PackageDescription

let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

func library(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: swiftSettings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: swiftSettings)
}

let package = Package(
    name: "millrace",
    products: [
        .library(name: "Millrace", targets: ["Millrace"]),
        .library(name: "MillraceAWS", targets: ["MillraceAWS"]),
        .library(name: "MillraceBackends", targets: ["MillraceBackends"]),
        .library(name: "MillraceServer", targets: ["MillraceServer"]),
        .library(name: "MillraceTaskHandlers", targets: ["MillraceTaskHandlers"]),
        .library(name: "MillraceTemplates", targets: ["MillraceTemplates"]),
        .executable(name: "millrace", targets: ["MillraceCLI"]),
        .executable(name: "millrace-bench", targets: ["MillraceBench"]),
        .executable(name: "millrace-extract", targets: ["MillraceExtract"]),
    ],
    targets: [
        // C shims: module maps and the few lines of C that variadic or macro APIs need.
        .target(name: "CLinux"),
        // A file of numbers, compiled in.
        .target(name: "CWordVectors", exclude: ["english.vectors"]),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
        .systemLibrary(name: "CStemmer", providers: [.apt(["libstemmer-dev"])]),

        library("MillraceCore", ["CLinux"]),
        library("MillraceTemplates", ["MillraceCore"]),
        library("MillraceEventLoop", ["MillraceCore", "CLinux"]),
        library("MillraceHTTP", ["MillraceCore", "MillraceEventLoop"]),
        library("MillraceHTTPClient", ["MillraceCore", "MillraceEventLoop", "CCurl"]),
        library("MillraceDatabase", ["MillraceCore", "CSQLite"]),
        library("Millrace", ["MillraceCore", "MillraceTemplates"]),
        library("MillraceAWS", ["MillraceCore", "MillraceHTTPClient", "CCrypto"]),
        library(
            "MillraceBackends",
            [
                "Millrace", "MillraceAWS", "MillraceCore", "MillraceDatabase", "MillraceHTTPClient", "CCrypto", "CHiredis", "CLinux",
                "CStemmer", "CWordVectors",
            ]),
        // The folders of templates are embedded by the Swift files that `millrace prompts embed` makes of them.
        library(
            "MillraceTaskHandlers", ["Millrace", "MillraceCore"],
            exclude: ["chat/prompts", "document_analysis/prompts", "rag_oss/prompts"]),
        library(
            "MillraceServer",
            [
                "Millrace", "MillraceAWS", "MillraceBackends", "MillraceCore", "MillraceEventLoop", "MillraceHTTP", "MillraceHTTPClient",
                "MillraceTaskHandlers", "CYAML",
            ]),
        .executableTarget(
            name: "MillraceCLI",
            dependencies: ["Millrace", "MillraceCore", "MillraceHTTPClient", "MillraceServer", "CSQLite"],
            swiftSettings: swiftSettings),
        .executableTarget(
            name: "MillraceBench",
            dependencies: ["CLinux", "Millrace", "MillraceBackends", "MillraceCore", "MillraceDatabase", "MillraceServer"],
            swiftSettings: swiftSettings),

        // Reads documents in a process of its own, which confines itself before it touches a byte; the library is for its tests and fuzzers.
        library("MillraceExtraction", ["CArchive", "CLinux", "MillraceCore"]),
        .executableTarget(name: "MillraceExtract", dependencies: ["MillraceExtraction"], swiftSettings: swiftSettings),

        // The benchmark's C halves. Measure with `-c release`: a debug build does not optimise them.
        .executableTarget(name: "MillraceBenchLoad", cSettings: [.define("_GNU_SOURCE")]),
        .executableTarget(name: "MillraceBenchFloor", cSettings: [.define("_GNU_SOURCE")]),
        .executableTarget(name: "MillraceBenchUpstream", cSettings: [.define("_GNU_SOURCE")]),

        tests("MillraceBenchTests", ["MillraceBench", "MillraceCore"]),
        tests("MillraceCoreTests", ["MillraceCore", "MillraceCounterparts"]),
        tests(
            "MillraceTemplatesTests", ["MillraceCore", "MillraceCounterparts", "MillraceTemplates"],
            exclude: ["Differential/jinja_reference.py", "Differential/template_generator.py", "Differential/Corpus"]),
        tests("MillraceEventLoopTests", ["CLinux", "MillraceCore", "MillraceEventLoop"]),
        tests("MillraceTests", ["Millrace", "MillraceCore"]),
        tests(
            "MillraceBackendsTests", ["Millrace", "MillraceBackends", "MillraceCore", "MillraceDatabase", "MillraceHTTPClient"],
            exclude: ["Tokens/tiktoken_reference.py"]),
        // What several test targets are made of: programs of others, how they are started, and sockets of the loopback address.
        .target(
            name: "MillraceCounterparts", dependencies: ["MillraceCore", "MillraceEventLoop"], path: "Tests/MillraceCounterparts",
            exclude: ["Servers"],
            swiftSettings: swiftSettings),
        tests(
            "MillraceAWSTests", ["MillraceAWS", "MillraceCore", "MillraceCounterparts", "MillraceHTTPClient"],
            exclude: ["Reference"]),
        // Each seam's conformance suite, for the embedded implementation and the remote ones.
        tests(
            "MillraceSeamTests",
            [
                "Millrace", "MillraceAWS", "MillraceBackends", "MillraceCore", "MillraceCounterparts", "MillraceDatabase",
                "MillraceHTTPClient",
            ]),
        tests("MillraceTaskHandlersTests", ["Millrace", "MillraceBackends", "MillraceCore", "MillraceTaskHandlers"]),
        // The server that tests kill, and the tests that drive servers over sockets.
        .executableTarget(
            name: "MillraceTestServer", dependencies: ["Millrace", "MillraceCore", "MillraceServer"], path: "Tests/MillraceTestServer",
            swiftSettings: swiftSettings),
        .testTarget(
            name: "MillraceIntegrationTests",
            dependencies: [
                "CSQLite", "Millrace", "MillraceAWS", "MillraceBackends", "MillraceCLI", "MillraceCore", "MillraceCounterparts",
                "MillraceDatabase", "MillraceHTTPClient", "MillraceServer", "MillraceTestServer",
            ], exclude: ["Clients", "Faults/Library", "Providers"], swiftSettings: swiftSettings),
        tests(
            "MillraceServerTests",
            [
                "Millrace", "MillraceAWS", "MillraceBackends", "MillraceCore", "MillraceEventLoop", "MillraceHTTP", "MillraceHTTPClient",
                "MillraceServer", "MillraceTaskHandlers",
            ]),
        tests(
            "MillraceCLITests",
            [
                "Millrace", "MillraceBackends", "MillraceCLI", "MillraceCore", "MillraceCounterparts", "MillraceExtract",
                "MillraceHTTPClient",
                "MillraceServer",
            ]),
        tests("MillraceDatabaseTests", ["MillraceCore", "MillraceCounterparts", "MillraceDatabase"]),
        // The extractor's parsers, the program itself, and the seam's implementation that starts it.
        tests(
            "MillraceExtractTests",
            [
                "CLinux", "Millrace", "MillraceBackends", "MillraceCore", "MillraceCounterparts", "MillraceExtract", "MillraceExtraction",
                "MillraceTaskHandlers",
            ], exclude: ["Reference"]),
        tests("MillraceHTTPTests", ["MillraceCore", "MillraceHTTP"]),
        tests("MillraceHTTPClientTests", ["MillraceCore", "MillraceCounterparts", "MillraceEventLoop", "MillraceHTTPClient"]),
    ]
)

// The fuzzers' entries, their corpora and the ordinary tests over them. `.ci/fuzz` sets the variable: then the same entries are a library
// under libFuzzer's own `main`, which no ordinary build could link.
let fuzzed: [Target.Dependency] = [
    "Millrace", "MillraceAWS", "MillraceBackends", "MillraceCore", "MillraceExtraction", "MillraceHTTP", "MillraceHTTPClient",
    "MillraceServer", "MillraceTemplates",
]
if Context.environment["MILLRACE_FUZZ"] == nil {
    package.targets.append(
        .testTarget(
            name: "MillraceFuzzTests", dependencies: fuzzed + ["MillraceCounterparts"], path: "Tests/Fuzz",
            exclude: ["Corpora", "Dictionaries", "Differential/llhttp_reference.py", "Driver"], swiftSettings: swiftSettings))
} else {
    package.targets += [
        .target(
            name: "MillraceFuzzing", dependencies: fuzzed, path: "Tests/Fuzz",
            exclude: ["Corpora", "CorpusTests.swift", "Dictionaries", "Differential", "Driver"], swiftSettings: swiftSettings),
        .executableTarget(name: "millrace-fuzz", dependencies: ["MillraceFuzzing"], path: "Tests/Fuzz/Driver"),
    ]
}
