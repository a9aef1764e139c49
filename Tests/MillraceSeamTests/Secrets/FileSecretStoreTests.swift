import Glibc
import Millrace
import MillraceCore
import MillraceCounterparts
import Testing

@testable import MillraceBackends

@Suite(.ownThreads) struct FileSecretStoreTests {
    private let directory: TemporaryDirectory
    private let time = ManualTime()
    private var path: String { directory.path + "/secrets.enc" }
    private var keyPath: String { directory.path + "/secrets.key" }

    init() throws { directory = try TemporaryDirectory() }

    private func store(_ keys: SecretKeySource? = nil) throws -> FileSecretStore {
        try FileSecretStore(path: path, keys: keys ?? .file(keyPath), time: time.source)
    }

    private func bytes(_ path: String) throws -> [UInt8] { try BoundedFile.read(path, limit: 32 << 20) }

    private func write(_ bytes: [UInt8], _ path: String, mode: mode_t = 0o600) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode)
        defer { close(file) }
        try #require(Glibc.write(file, bytes, bytes.count) == bytes.count && fchmod(file, mode) == 0)
    }

    private func mode(_ path: String) -> mode_t {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
    }

    private func refusal(_ body: () async throws -> Void) async -> MillraceError? {
        do {
            try await body()
            return nil
        } catch { return error as? MillraceError }
    }

    @Test func store_withoutAFile_isEmptyAndNeedsNoKey() async throws {
        let store = try store()
        #expect(try await store.list().isEmpty)
        #expect(await refusal { _ = try await store.secret("a") }?.code == .notFound)
        try await store.remove("a")
        #expect(await refusal { try await store.set("a", "v") }?.message.contains("key of the secret store is missing") == true)
        #expect(!BoundedFile.exists(path))
    }

    @Test func keyFile_thatIsMissing_isMadeOnceForItsOwner() async throws {
        let store = try store()
        #expect(try await store.makeKeyIfMissing() == keyPath)
        let key = try bytes(keyPath)
        #expect(try await store.makeKeyIfMissing() == nil)
        #expect(try bytes(keyPath) == key)
        #expect(mode(keyPath) == 0o600)
        try await store.set("a", "v")
        #expect(mode(path) == 0o600)
        // A key that got lost is not replaced by one that opens nothing.
        unlink(keyPath)
        #expect(await refusal { _ = try await store.makeKeyIfMissing() }?.message.contains("restore") == true)
        #expect(!BoundedFile.exists(keyPath))
    }

    @Test func files_areForTheirOwnerOnly() async throws {
        let deep = directory.path + "/x/y"
        let store = try FileSecretStore(path: deep + "/s.enc", keys: .file(deep + "/s.key"))
        _ = try await store.makeKeyIfMissing()
        try await store.set("a", "v")
        #expect([mode(deep + "/s.enc"), mode(deep + "/s.key"), mode(deep + "/s.enc.lock"), mode(deep)] == [0o600, 0o600, 0o600, 0o700])
        #expect(!BoundedFile.exists(deep + "/s.enc.part"))
    }

    @Test(arguments: [0o640, 0o604, 0o644, 0o620] as [mode_t]) func keyFile_thatOthersMayRead_isRefused(_ mode: mode_t) async throws {
        let store = try store()
        _ = try await store.makeKeyIfMissing()
        try await store.set("a", "v")
        chmod(keyPath, mode)
        await store.forget("a")
        // Whoever has read the file already goes on; a new reader refuses.
        let other = try self.store()
        #expect(await refusal { _ = try await other.secret("a") }?.message.contains("chmod 600") == true)
        chmod(keyPath, 0o400)
        #expect(try await other.secret("a").value == "v")
    }

    @Test func values_areNotInTheFile() async throws {
        let store = try store()
        _ = try await store.makeKeyIfMissing()
        try await store.set("a", "hunter2-hunter2")
        let text = String(decoding: try bytes(path), as: UTF8.self)
        #expect(text.contains("\"a\""))
        #expect(!text.contains("hunter2"))
    }

    @Test func file_isReadByAnotherLibraryAsDocumented() async throws {
        guard Counterpart.program("moto_server") != nil else { return try Counterpart.leftOut("Python's cryptography, which moto brings") }
        let store = try store()
        _ = try await store.makeKeyIfMissing()
        try await store.set("app/key", "grüße")
        let reader = try CounterpartProcess([Counterpart.python, Counterpart.script("secret_file_reader.py"), keyPath, path, "app/key"])
        defer { reader.stop() }
        #expect(try reader.waitForLine { $0.hasPrefix("value ") } == "value grüße")
    }

    @Test func change_byAnotherProcess_isSeenAfterTheIntervalOrWhenForgotten() async throws {
        let server = try store()
        let command = try store()
        _ = try await command.makeKeyIfMissing()
        try await command.set("a", "one")
        #expect(try await server.secret("a").value == "one")
        try await command.set("a", "two")
        #expect(try await server.secret("a").value == "one")
        time.advance(.milliseconds(999))
        #expect(try await server.secret("a").value == "one")
        time.advance(.milliseconds(1))
        #expect(try await server.secret("a").value == "two")
        try await command.set("a", "three")
        await server.forget("a")
        #expect(try await server.secret("a").value == "three")
        // Also a change of the keys.
        try await command.rotate()
        time.advance(.seconds(1))
        #expect(try await server.secret("a").value == "three")
        try await server.set("b", "four")
        await command.forget("b")
        #expect(try await command.secret("b").value == "four")
    }

    @Test func writers_ofTwoProcesses_loseNothing() async throws {
        let stores = [try store(), try store(), try store()]
        _ = try await stores[0].makeKeyIfMissing()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<30 { group.addTask { try await stores[index % 3].set("k\(index)", "v\(index)") } }
            group.addTask { try await stores[1].rotate() }
            try await group.waitForAll()
        }
        let reader = try store()
        #expect(try await reader.list().count == 30)
        for index in 0..<30 { #expect(try await reader.secret("k\(index)").value == "v\(index)") }
    }

    @Test func file_thatIsDamagedOrExchanged_namesTheSecretThatWasAskedFor() async throws {
        let store = try store()
        _ = try await store.makeKeyIfMissing()
        try await store.set("app/a", "one")
        let old = try bytes(path)
        try await store.set("app/a", "two")
        let new = try bytes(path)
        for (contents, word) in [
            (Array(new.dropLast(5)), "restore"), ([], "restore"), (Array("hello\nworld".utf8), "restore"),
            (Array("millrace-secrets 2 0 0 0\n{}".utf8), "format '2'"),
            (Array("millrace-secrets 1 0123456789abcdef 00 00\n{}".utf8), "0123456789abcdef"),
            // The new head over the old entries.
            (Array(new.prefix { $0 != 0x0A } + old.drop { $0 != 0x0A }), "restore"),
        ] {
            try write(contents, path)
            for reader in [store, try self.store()] {
                await reader.forget("app/a")
                let error = await refusal { _ = try await reader.secret("app/a") }
                #expect(error?.code == .storageUnavailable)
                #expect(error?.isRetryable == false)
                #expect(error?.message.contains("'app/a'") == true)
                #expect(error?.message.contains(word) == true, "\(error?.message ?? "nothing")")
                // Nothing is written over what cannot be read.
                #expect(await refusal { try await reader.set("app/b", "v") }?.code == .storageUnavailable)
            }
            #expect(try bytes(path) == contents)
        }
        try write(new, path)
        await store.forget("app/a")
        #expect(try await store.secret("app/a").value == "two")
    }

    @Test(arguments: SecretFileAccess.RotationStep.allCases)
    func rotation_thatIsCutOff_leavesAReadableStore(_ step: SecretFileAccess.RotationStep) async throws {
        struct Crash: Error {}
        let store = try store()
        _ = try await store.makeKeyIfMissing()
        try await store.set("a", "one")
        try await store.set("b", "two")
        let before = try SecretKeyRing.read(keyPath).newest.id
        let access = SecretFileAccess(path: path, keys: .file(keyPath))
        #expect(throws: Crash.self) { try access.rotate { if $0 == step { throw Crash() } } }
        for reader in [store, try self.store()] {
            time.advance(.seconds(1))
            #expect(try await reader.secret("a").value == "one")
            #expect(try await reader.secret("b").value == "two")
        }
        try await self.store().set("c", "three")
        let rotation = try await self.store().rotate()
        #expect(rotation.secretCount == 3)
        #expect(rotation.keyID != before)
        let ring = try SecretKeyRing.read(keyPath)
        #expect(ring.keys.map(\.id) == [rotation.keyID])
        #expect(mode(keyPath) == 0o600)
        time.advance(.seconds(1))
        for (name, value) in [("a", "one"), ("b", "two"), ("c", "three")] { #expect(try await store.secret(name).value == value) }
        #expect(!String(decoding: try bytes(path), as: UTF8.self).contains(before))
    }

    @Test func rotation_keepsVersionsAndTimes() async throws {
        let store = try store()
        _ = try await store.makeKeyIfMissing()
        try await store.set("a", "one")
        let (secret, list) = (try await store.secret("a"), try await store.list())
        time.advance(.seconds(100))
        try await store.rotate()
        #expect(try await store.secret("a") == secret)
        #expect(try await store.list() == list)
    }

    @Test func keysOfAVariable_newestFirst_encryptAndRotate() async throws {
        let (old, new) = (try SecretKey.random(), try SecretKey.random())
        let first = try store(.text(old.base64, origin: "MILLRACE_SECRETS_KEY"))
        try await first.set("a", "one")
        #expect(await refusal { try await first.rotate() }?.message.contains("MILLRACE_SECRETS_KEY holds one key") == true)
        let both = try store(.text("\(new.base64), \(old.base64)", origin: "MILLRACE_SECRETS_KEY"))
        #expect(try await both.secret("a").value == "one")
        #expect(try await both.rotate().keyID == new.id)
        let last = try store(.text(new.base64, origin: "MILLRACE_SECRETS_KEY"))
        #expect(try await last.secret("a").value == "one")
        await first.forget("a")
        let error = await refusal { _ = try await first.secret("a") }
        #expect(error?.message.contains(new.id) == true)
        #expect(error?.message.contains("MILLRACE_SECRETS_KEY") == true)
    }

    @Test func keySource_thatIsPrinted_doesNotShow() throws {
        let key = try SecretKey.random()
        let source = try SecretKeySource.text(key.base64, origin: "THE_VARIABLE")
        var dumped = ""
        dump(source, to: &dumped)
        for text in [dumped, "\(source)", String(reflecting: source)] { #expect(!text.contains(key.base64.prefix(8))) }
    }

    @Test func leftoverOfACrash_isReplaced() async throws {
        let store = try store()
        _ = try await store.makeKeyIfMissing()
        try write(Array("half".utf8), path + ".part", mode: 0o644)
        try await store.set("a", "v")
        #expect(mode(path) == 0o600)
        #expect(!BoundedFile.exists(path + ".part"))
        // A link that somebody put there is not followed.
        symlink(directory.path + "/elsewhere", path + ".part")
        try await store.set("a", "w")
        #expect(!BoundedFile.exists(directory.path + "/elsewhere"))
    }

    @Test func file_overItsLimit_isNotWritten() async throws {
        let store = try store()
        _ = try await store.makeKeyIfMissing()
        let value = String(repeating: "x", count: 65_536)
        var file = SecretFile()
        let ring = try SecretKeyRing.read(keyPath)
        for index in 0..<190 { try file.set("k\(index)", value, version: "v", changedAt: .now(), ring.newest) }
        try write(try file.encoded(ring.newest), path)
        for index in 190... {
            guard let error = await refusal({ try await store.set("k\(index)", value) }) else { continue }
            #expect(error.code == .limitExceeded)
            break
        }
        #expect(try bytes(path).count <= 16 << 20)
        #expect(try await store.secret("k0").value == value)
    }
}
