import MillraceCore
import MillraceCounterparts
import Testing

@testable import MillraceAWS

@Suite(.ownThreads) struct S3ValuesTests {
    @Test(arguments: [
        (false, S3Addressing.automatic, "bucket", "https://bucket.s3.eu-central-1.amazonaws.com", "/k"),
        (false, .automatic, "my.bucket", "https://s3.eu-central-1.amazonaws.com", "/my.bucket/k"),
        (false, .path, "bucket", "https://s3.eu-central-1.amazonaws.com", "/bucket/k"),
        (true, .automatic, "bucket", "https://s3.eu-central-1.amazonaws.com", "/bucket/k"),
        (true, .virtualHosted, "my.bucket", "https://my.bucket.s3.eu-central-1.amazonaws.com", "/k"),
    ])
    func bucket_standsInHostOrPath(_ custom: Bool, _ addressing: S3Addressing, _ bucket: String, _ url: String, _ path: String) throws {
        let location = try S3Location(
            endpoint: "https://s3.eu-central-1.amazonaws.com", isCustom: custom, addressing: addressing, bucket: bucket, key: "k")
        #expect(location.baseURL == url && location.path == path)
    }

    @Test(arguments: [
        ("a b", "a%20b"), ("a+b", "a%2Bb"), ("a%b", "a%25b"), ("a/../b", "a/../b"), ("//a/", "//a/"), ("/a", "/a"), ("🐟", "%F0%9F%90%9F"),
        ("é", "%C3%A9"), ("e\u{301}", "e%CC%81"), ("?#&='()*!", "%3F%23%26%3D%27%28%29%2A%21"), ("~-_.", "~-_."),
    ])
    func key_isEncodedExactly(_ key: String, _ encoded: String) throws {
        let location = try S3Location(endpoint: "http://h", isCustom: true, addressing: .path, bucket: "bucket", key: key)
        #expect(location.path == "/bucket/" + encoded)
    }

    @Test(arguments: [
        "ab", "Bucket", "bu_cket", "-bucket", "bucket-", "bu..cket", "192.168.0.1", "", "bucket/x", "bücket",
        String(repeating: "a", count: 64),
    ])
    func aNameThatNoBucketHas_isRefused(_ name: String) { #expect(throws: MillraceError.self) { try S3Location.checkBucket(name) } }

    @Test(arguments: ["abc", "my.bucket-1", "1.2.3", String(repeating: "a", count: 63)])
    func aNameThatABucketCanHave_isTaken(_ name: String) throws { try S3Location.checkBucket(name) }

    @Test(arguments: [
        "plain", "", "a b", " a", "a ", "a  b", "ä", "東京🐟", "a\nb", "=?UTF-8?B?w6Q=?=", "=?", String(repeating: "ß🐟", count: 100),
        "a\u{0}b", "\u{7F}",
    ])
    func metadataText_comesBack_andIsASCII(_ text: String) {
        let encoded = S3MetadataText.encode(text)
        #expect(encoded.utf8.allSatisfy { (0x20...0x7E).contains($0) })
        #expect(encoded.split(separator: " ").allSatisfy { !$0.hasPrefix("=?") || $0.utf8.count <= 75 })
        #expect(Array(S3MetadataText.decode(encoded).utf8) == Array(text.utf8))
    }

    @Test(arguments: [
        ("=?UTF-8?Q?a=C3=A4_b?=", "aä b"), ("=?utf-8?q?a?= =?utf-8?b?w6Q=?= c", "aä c"), ("x =?UTF-8?B?w6Q=?=", "x ä"),
        ("=?UTF-8?B?!?=", "=?UTF-8?B?!?="), ("=?latin1?Q?=E4?=", "=?latin1?Q?=E4?="), ("=?UTF-8?Q?=E?=", "=?UTF-8?Q?=E?="),
        ("a=?b", "a=?b"),
    ])
    func metadataTextOfOthers_isRead(_ value: String, _ text: String) { #expect(S3MetadataText.decode(value) == text) }

    private static let mebibyte = 1_048_576

    /// Lengths and sizes in MiB; the length has so many bytes more.
    @Test(arguments: [(0, 0, 8), (100, 0, 8), (80_000, 0, 8), (80_000, 1, 9), (5_242_880, 0, 525)])
    func parts_areSoLargeThatTenThousandSuffice(_ mebibytes: Int, _ more: Int, _ expected: Int) {
        let length = mebibytes * Self.mebibyte + more
        let size = S3PartPlan(length: length, partBytes: 8 * Self.mebibyte).bytes(ofPart: 1)
        #expect(size == expected * Self.mebibyte && size * S3PartPlan.mostParts >= length)
    }

    @Test func parts_ofAnUnknownLength_growAfterEachThousand() {
        let plan = S3PartPlan(length: nil, partBytes: 8 << 20)
        let sizes = [1, 1000, 1001, 2001, 10_000].map { plan.bytes(ofPart: $0) / Self.mebibyte }
        #expect(sizes == [8, 8, 16, 32, 4096])
        let whole = (1...10_000).reduce(0) { $0 + plan.bytes(ofPart: $1) }
        #expect(whole / Self.mebibyte >= 5_242_880)
    }

    @Test func checkValues_areCombined() {
        let text = (0..<2000).map { UInt8(truncatingIfNeeded: $0 &* 131 >> 2) }
        let whole = S3Checksum.crc32(of: text)
        #expect(S3Checksum.crc32(of: Array("123456789".utf8)) == 0xCBF4_3926)
        for cut in [0, 1, 7, 8, 999, 1999, 2000] {
            let (first, second) = (Array(text[..<cut]), Array(text[cut...]))
            #expect(CRC32.combined(S3Checksum.crc32(of: first), S3Checksum.crc32(of: second), count: second.count) == whole)
        }
    }

    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2000-02-29T12:34:56.789Z", 951_827_696_789_000), ("2026-11-21T09:59:36Z", 1_795_255_176_000_000),
        ("2100-03-01T00:00:00.000001Z", 4_107_542_400_000_001),
    ])
    func times_areReadAndWritten(_ text: String, _ microseconds: Int) {
        #expect(S3Time.timestamp(iso8601: text) == Timestamp(microseconds: Int64(microseconds)))
        let second = Timestamp(microseconds: Int64(microseconds / 1_000_000 * 1_000_000))
        #expect(S3Time.timestamp(httpDate: S3Time.httpDate(second)) == second)
    }

    @Test(arguments: ["", "2026-11-21", "2026-13-21T09:59:36Z", "2026-11-21T09:59:36", "x"])
    func whatIsNoTime_isNotRead(_ text: String) { #expect(S3Time.timestamp(iso8601: text) == nil) }

    @Test func aListedKey_isDecoded() throws {
        #expect(try S3Client.decoded("a+b%2Bc%20%F0%9F%90%9F/%25") == "a b+c 🐟/%")
        for wrong in ["%", "%4", "%xx", "%FF"] { #expect(throws: MillraceError.self) { try S3Client.decoded(wrong) } }
    }
}
