import FoundationEssentials
import Millrace
import MillraceCore
import MillraceCounterparts
import Testing

/// What every store of secrets promises.
@Suite(.ownThreads) struct SecretStoreConformanceTests {
    @Test(arguments: SecretStoreKind.allCases) func secret_thatWasSet_isGivenListedAndRemoved(_ kind: SecretStoreKind) async throws {
        try await kind.withStore { store in
            #expect(try await store.list().isEmpty)
            let before = Timestamp(microseconds: Timestamp.now().microseconds - 5_000_000)
            let version = try await store.set("app/key", "one")
            #expect(try await store.secret("app/key") == Secret(value: "one", version: version))
            try await store.set("app/Key", "two")
            try await store.set("aa", "three")
            let list = try await store.list()
            #expect(list.map(\.name) == ["aa", "app/Key", "app/key"])
            #expect(list.last?.version == version)
            #expect(list.allSatisfy { $0.changedAt.map { $0 > before } ?? false })
            try await store.remove("app/key")
            try await store.remove("app/key")
            await #expect { try await store.secret("app/key") } throws: { ($0 as? MillraceError)?.code == .notFound }
            #expect(try await store.list().map(\.name) == ["aa", "app/Key"])
            #expect(try await store.secret("app/Key").value == "two")
        }
    }

    @Test(arguments: SecretStoreKind.allCases) func value_thatIsSetAgain_hasAnotherVersion(_ kind: SecretStoreKind) async throws {
        try await kind.withStore { store in
            let first = try await store.set("k", "one")
            #expect(try await store.secret("k").value == "one")
            let second = try await store.set("k", "two")
            #expect(first != second)
            #expect(try await store.secret("k") == Secret(value: "two", version: second))
            // The same value is a version of its own, too.
            let third = try await store.set("k", "two")
            #expect(third != second)
            #expect(try await store.secret("k").version == third)
            try await store.remove("k")
            try await store.set("k", "four")
            #expect(try await store.secret("k").value == "four")
        }
    }

    private static let values = [
        "a", " ", "\n", "line\r\nline\n", "Grüße, 世界 👩‍🚀 e\u{301}", "\u{0}\u{1}\u{7F}\u{2028}", "\"\\/{}[]", "-----BEGIN KEY-----\nMII=\n",
        String(repeating: "x", count: 65_536), String(repeating: "ü", count: 32_768), "\u{FEFF}bom",
    ]

    @Test(arguments: SecretStoreKind.allCases) func value_ofAnyText_comesBackByteForByte(_ kind: SecretStoreKind) async throws {
        try await kind.withStore { store in
            for (index, value) in Self.values.enumerated() {
                try await store.set("v\(index)", value)
                let found = try await store.secret("v\(index)").value
                #expect(Array(found.utf8) == Array(value.utf8), "value \(index)")
            }
        }
    }

    @Test(arguments: SecretStoreKind.allCases) func value_emptyOrTooLong_isRefusedWithoutBeingShown(_ kind: SecretStoreKind) async throws {
        try await kind.withStore { store in
            for value in ["", String(repeating: "hunter2 ", count: 8192) + "x", String(repeating: "ü", count: 32_769)] {
                do {
                    try await store.set("k", value)
                    Issue.record("a value of \(value.utf8.count) bytes was taken")
                } catch let error as MillraceError {
                    #expect(error.code == .invalidInput)
                    #expect(!error.description.contains("hunter2"))
                    #expect(!error.description.contains("üü"))
                }
            }
            #expect(try await store.list().isEmpty)
        }
    }

    @Test(arguments: SecretStoreKind.allCases) func name_atItsEdges_isTakenOrRefused(_ kind: SecretStoreKind) async throws {
        try await kind.withStore { store in
            // A store may keep a prefix before the name: 512 characters are its and the name's together.
            for name in ["a", "0", "/", "/_+=.@-", "a/b/c", "..", ".", "a-AbCdEf", String(repeating: "n", count: 480)] {
                try await store.set(name, "value of \(name)")
                #expect(try await store.secret(name).value == "value of \(name)")
            }
            #expect(try await store.list().count == 9)
            for name in ["", " ", "a b", "ä", "a\n", "a:b", "a#b", "a\u{0}", "*", "a\\", String(repeating: "n", count: 513)] {
                for attempt in [
                    { _ = try await store.secret(name) }, { _ = try await store.set(name, "v") }, { try await store.remove(name) },
                ] as [() async throws -> Void] {
                    await #expect("\(name.prefix(20))") { try await attempt() } throws: { ($0 as? MillraceError)?.code == .invalidInput }
                }
            }
        }
    }

    @Test(arguments: SecretStoreKind.allCases) func name_thatIsNotThere_isNotFound(_ kind: SecretStoreKind) async throws {
        try await kind.withStore { store in
            for _ in 0..<2 {
                await #expect { try await store.secret("none") } throws: { error in
                    let error = error as? MillraceError
                    return error?.code == .notFound && error?.isRetryable == false && error?.message.contains("none") == true
                }
            }
            // That it is not there is forgotten once it is set.
            try await store.set("none", "now")
            #expect(try await store.secret("none").value == "now")
        }
    }

    @Test(arguments: SecretStoreKind.allCases) func member_ofAJSONSecret_isGivenByKey(_ kind: SecretStoreKind) async throws {
        try await kind.withStore { store in
            try await store.set("db", #"{"user":"app","password":"pä\"ss","port":5432,"tls":true,"more":{"a":[1]}}"#)
            let secret = try await store.secret("db")
            #expect(try secret.member("user") == "app")
            #expect(try secret.member("password") == "pä\"ss")
            #expect(try secret.member("port") == "5432")
            #expect(try secret.member("tls") == "true")
            #expect(try secret.member("more") == #"{"a":[1]}"#)
            #expect { try secret.member("none") } throws: { error in
                (error as? MillraceError)?.code == .notFound && !"\(error)".contains("pä")
            }
            try await store.set("plain", "hunter2")
            let plain = try await store.secret("plain")
            #expect { try plain.member("a") } throws: { ($0 as? MillraceError)?.code == .notFound && !"\($0)".contains("hunter2") }
        }
    }

    @Test(arguments: SecretStoreKind.allCases) func sets_atTheSameTime_areAllKept(_ kind: SecretStoreKind) async throws {
        try await kind.withStore { store in
            let versions = try await withThrowingTaskGroup(of: (String, String).self) { group in
                for index in 0..<24 {
                    // Half of them on one name.
                    let name = index % 2 == 0 ? "shared" : "own\(index)"
                    group.addTask { (try await store.set(name, "value \(index)"), "value \(index)") }
                }
                return try await group.reduce(into: [String: String]()) { $0[$1.0] = $1.1 }
            }
            #expect(versions.count == 24)
            #expect(try await store.list().count == 13)
            for index in stride(from: 1, to: 24, by: 2) { #expect(try await store.secret("own\(index)").value == "value \(index)") }
            let shared = try await store.secret("shared")
            #expect(versions[shared.version] == shared.value)
        }
    }

    @Test(arguments: SecretStoreKind.allCases) func secret_thatIsPrintedOrDumped_doesNotShow(_ kind: SecretStoreKind) async throws {
        try await kind.withStore { store in
            try await store.set("k", "hunter2")
            let secret = try await store.secret("k")
            var dumped = ""
            dump(secret, to: &dumped)
            dump(store, to: &dumped)
            dump(try await store.list(), to: &dumped)
            let texts = [
                dumped, "\(secret)", String(describing: secret), String(reflecting: secret), "\([secret])", "\(Optional(secret) as Any)",
                "\(["a": secret])", "\(store)", String(reflecting: store),
            ]
            for text in texts { #expect(!text.contains("hunter2")) }
            #expect("\(secret)" == "********")
            // It cannot be encoded by accident.
            #expect(!((secret as Any) is any Encodable))
        }
    }

    @Test(arguments: SecretStoreKind.allCases) func caller_whoIsCancelled_getsNoSecret(_ kind: SecretStoreKind) async throws {
        try await kind.withStore { store in
            try await store.set("k", "v")
            await store.forget("k")
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await store.secret("k").value
            }
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(try await store.secret("k").value == "v")
        }
    }
}
