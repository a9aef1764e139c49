import Millrace
import MillraceCore
import MillraceCounterparts
import Testing

@testable import MillraceBackends

@Suite(.ownThreads) struct SecretFileTests {
    private static let key = SecretKey(Array(0..<32))
    private static let ring = SecretKeyRing([key])

    private static func file(_ secrets: [String: String] = ["app/a": "eins", "app/b": "zwei"]) throws -> SecretFile {
        var file = SecretFile()
        for (name, value) in secrets {
            try file.set(name, value, version: "v_\(name)", changedAt: Timestamp(microseconds: 1_790_000_000_000_000), key)
        }
        return file
    }

    @Test func file_thatWasEncoded_isReadAgain() throws {
        let file = try Self.file()
        let read = try SecretFile(parsing: try file.encoded(Self.key), Self.ring)
        #expect(read == file)
        #expect(try read.secret("app/a", Self.ring) == Secret(value: "eins", version: "v_app/a"))
        #expect(try read.secret("app/c", Self.ring) == nil)
        let empty = SecretFile()
        #expect(try SecretFile(parsing: try empty.encoded(Self.key), Self.ring) == empty)
    }

    @Test func file_withAnyByteChangedOrCut_isRefused() throws {
        let bytes = try Self.file().encoded(Self.key)
        for position in bytes.indices {
            for flip: UInt8 in [0x01, 0x20, 0x80, 0xFF] {
                var changed = bytes
                changed[position] ^= flip
                #expect(throws: SecretFile.Failure.self, "byte \(position) ^ \(flip)") { try SecretFile(parsing: changed, Self.ring) }
            }
            #expect(throws: SecretFile.Failure.self) { try SecretFile(parsing: Array(bytes[..<position]), Self.ring) }
            var longer = bytes
            longer.insert(0x20, at: position)
            #expect(throws: SecretFile.Failure.self) { try SecretFile(parsing: longer, Self.ring) }
        }
        #expect(throws: SecretFile.Failure.self) { try SecretFile(parsing: bytes + [0x0A], Self.ring) }
    }

    @Test func entry_underAnotherNameVersionOrTime_isRefused() throws {
        let file = try Self.file()
        var changes: [SecretFile] = []
        var swapped = file
        (swapped.entries["app/a"], swapped.entries["app/b"]) = (file.entries["app/b"], file.entries["app/a"])
        changes.append(swapped)
        var renewed = file
        renewed.entries["app/a"]?.version = "v_new"
        changes.append(renewed)
        var redated = file
        redated.entries["app/a"]?.changedAt.microseconds += 1
        changes.append(redated)
        var rekeyed = file
        rekeyed.entries["app/a"]?.box.nonce[0] ^= 1
        changes.append(rekeyed)
        for index in file.entries["app/a"]?.box.bytes.indices ?? 0..<0 {
            var flipped = file
            flipped.entries["app/a"]?.box.bytes[index] ^= 1
            changes.append(flipped)
        }
        #expect(changes.count > 20)
        for change in changes {
            // Sealed by Millrace itself: the entry's own context finds it.
            let read = try SecretFile(parsing: try change.encoded(Self.key), Self.ring)
            #expect(throws: SecretFile.Failure.changed) { try read.secret("app/a", Self.ring) }
        }
    }

    @Test func file_underAnotherKey_isRefusedByTheKeysName() throws {
        let bytes = try Self.file().encoded(Self.key)
        let other = SecretKey(Array(100..<132))
        #expect(throws: SecretFile.Failure.unknownKey(Self.key.id)) { try SecretFile(parsing: bytes, SecretKeyRing([other])) }
        #expect(try SecretFile(parsing: bytes, SecretKeyRing([other, Self.key])).entries.count == 2)
    }

    @Test func value_encryptedTwice_hasTwoNonces() throws {
        var boxes: Set<[UInt8]> = []
        for _ in 0..<100 { boxes.insert(try AESGCM.seal([1], Self.key, context: []).nonce) }
        #expect(boxes.count == 100)
    }

    /// Test case 16 of "The Galois/Counter Mode of Operation" (McGrew, Viega), which NIST's validation vectors take over.
    @Test func aesGCM_opensThePublishedVector() throws {
        func bytes(_ text: String) -> [UInt8] { Base16.bytes(text) ?? [] }
        let key = SecretKey(bytes("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"))
        let text = bytes(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39")
        let box = AESGCM.Box(
            nonce: bytes("cafebabefacedbaddecaf888"),
            bytes: bytes(
                "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                    + "76fc6ece0f4e1768cddf8853bb2d551b"))
        #expect(try AESGCM.open(box, key, context: bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2")) == text)
        #expect(try AESGCM.open(box, key, context: []) == nil)
    }

    private static let good = [
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
    ]

    @Test(arguments: good) func key_ofBase64OrHexadecimalDigits_isTaken(_ text: String) throws {
        #expect(SecretKey.parse(text)?.id == Self.key.id)
        #expect(try SecretKeyRing(parsing: "# a comment\n\n  \(text)  # mine\n", origin: "x").newest.id == Self.key.id)
        #expect(try SecretKeyRing(parsing: "\(text),\(text)\r\n", origin: "x").keys.count == 1)
    }

    @Test(arguments: [
        "correct horse battery staple", "password", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==", "00010203",
        // 32 bytes of text, and 32 equal ones.
        "Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZSAhISE=", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "0000000000000000000000000000000000000000000000000000000000000000",
    ]) func key_thatIsAPassphraseOrTooShort_isRefusedWithAdvice(_ text: String) {
        #expect { try SecretKeyRing(parsing: text, origin: "the variable K") } throws: { error in
            let message = (error as? MillraceError)?.message ?? ""
            return message.contains("openssl rand -base64 32") && message.contains("the variable K") && !message.contains(text)
        }
    }

    @Test func keys_thatAreNoneOrTooMany_areRefused() throws {
        #expect(throws: MillraceError.self) { try SecretKeyRing(parsing: "# nothing\n", origin: "x") }
        let keys = try (0..<17).map { _ in try SecretKey.random().base64 }
        #expect(throws: MillraceError.self) { try SecretKeyRing(parsing: keys.joined(separator: "\n"), origin: "x") }
        #expect(try SecretKeyRing(parsing: keys.prefix(16).joined(separator: ","), origin: "x").keys.count == 16)
    }
}
