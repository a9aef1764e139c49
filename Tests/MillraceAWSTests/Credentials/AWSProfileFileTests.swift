import MillraceCore
import MillraceCounterparts
import Testing

@testable import MillraceAWS

@Suite(.ownThreads) struct AWSProfileFileTests {
    /// Files that people and tools have written, and worse.
    private static let odd = [
        "", "\n\n", "# nothing\n; at all\n",
        "[default]\nregion = eu-central-1\n", "[default]\r\nregion = eu-central-1\r\n\r\n[profile a]\r\nb=c\r\n", "[default]\rregion=x\r",
        "[default]\nregion=eu-central-1", "[profile dev]\nregion: eu\n", "[profile dev]\n Region   =  eu  \n  output=json\n",
        "[profile dev]\nREGION = EU\n", "[profile dev]\nkey=a=b:c\n", "[profile dev]\nkey:a=b\n", "[profile dev]\nkey =\n",
        "[profile dev]\nkey\n",
        "[profile dev]\n= value\n", "[profile dev]\n: value\n", "key = value\n[default]\n", "# c\n  # d\nkey\n", "[default\nregion = x\n",
        "[default] # comment\nregion = x # not a comment\n", "[default]\nregion = x ; y\n#z\n", "[default]\nsecret = a#b;c\n", "[]\na=b\n",
        "[]]\na=b\n",
        "[a]b]\nc=d\n", "[default]\na=1\na=2\n", "[default]\na=1\nA=2\n", "[default]\na=1\n[default]\nb=2\n",
        "[default]\na=1\n[profile default]\nb=2\n", "[profile default]\na=1\n[default]\nb=2\n", "[profile \"two words\"]\na=1\n",
        "[profile 'x']\na=1\n[profile x]\na=2\n", "[profile two words]\na=1\n", "[profile \"open]\na=1\n", "[profile]\na=1\n",
        "[profilex y]\na=1\n", "[profile\tx]\na=1\n", "[ profile x ]\na=1\n", "[ default ]\na=1\n", "[sso-session corp]\nsso_region = x\n",
        "[services dev]\ns3 =\n  endpoint_url = http://localhost:1\n  other=2\ndynamodb =\n    endpoint_url = http://localhost:2\n",
        "[default]\ns3 =\n  a = 1\n\n  b = 2\n\nregion = x\n", "[default]\ns3 =\n  a = 1\n  # comment\n  b = 2\n",
        "[default]\ns3 =\n  word\n",
        "[default]\ns3 = x\n  a = 1\n", "[default]\ns3 = x\n\n  y\n\n\n  z\n\n", "[default]\ns3 =\n\n\n",
        "[default]\ns3 =\n  a = 1\n b = 2\n c=3\n",
        "  [default]\n  a = 1\n  b = 2\n", "  [default]\na = 1\n  [profile x]\n  b = 2\n", "[default]\n\ta = 1\n\t\tb = 2\n",
        "[default]\ns3 =\n\ta=1\n\t\tb=2\n",
        "[DEFAULT]\nregion = all\n[default]\na=1\n[profile b]\nregion = own\n", "[DEFAULT]\na=1\n[DEFAULT]\nb=2\n[x]\n",
        "[default]\nä = ö\n",
        "[profile ünï]\na = 1\n", "[default]\na = 1\u{A0}\n", "[default]\na = b\u{0B}c\n", "[default]\na=1\n\u{FEFF}b=2\n",
        "[default]\n%(x)s = ${y}\n",
        "[default]\na = 'quoted'\nb = \"x\"\n", "[default]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile=y\n",
        "[default]\ns3 =\n  =x\n",
        "[default]\ns3 =\n  a = 1\n  a = 2\n", "[default]\ns3 =\n  A = 1\n", "[a]\n[b]\n[c]\n", "[default]\na\u{1F}=\u{1C}b\n",
    ]

    @Test func oddFiles_areReadAsBotocoreReadsThem() throws {
        guard let answer = try CredentialCounterparts.botocore(["files": .array(Self.odd.map { .string($0) })]) else { return }
        let files = try #require(answer["files"]?.array)
        #expect(files.count == Self.odd.count)
        for (text, expected) in zip(Self.odd, files) { #expect(Self.parsed(text) == expected, "\(text.debugDescription)") }
        // The table must hold both kinds.
        #expect(files.contains { $0["error"] != nil } && files.contains { $0["profiles"]?["two words"] != nil })
    }

    @Test func commandLines_areSplitAsShlexDoes() throws {
        let lines = [
            "", "  ", "a", "a b", " a  b\tc\n", "'a b' c", "\"a b\" c", "a'b'c\"d\"", "''", "\"\" x", "a\\ b", "'a\\b'", "\"a\\b\"",
            "\"a\\\"b\"",
            "\"a\\\\b\"", "a\\\\b", "'it'\\''s'", "'open", "\"open", "tail\\", "\"tail\\", "a#b", "# x", "$HOME `x` *", "ä 'ö ü'",
            "a;b|c>d", "\"a'b\" 'c\"d'", "'a'\u{301} \"b\"\u{301}c", "a \u{301}b",
        ]
        guard let answer = try CredentialCounterparts.botocore(["lines": .array(lines.map { .string($0) })]) else { return }
        for (line, expected) in zip(lines, try #require(answer["lines"]?.array)) {
            let words = try? ShellWords.split(line)
            #expect((words.map { .array($0.map { .string($0) }) } ?? .null) == expected, "\(line.debugDescription)")
        }
    }

    private static func parsed(_ text: String) -> JSONValue {
        guard let file = try? AWSProfileFile(parsing: Array(text.utf8), name: "odd") else { return ["error": true] }
        let shared = AWSSharedConfiguration(config: file, credentials: AWSProfileFile())
        func json(_ sections: [String: [String: AWSProfileFile.Value]]) -> JSONValue {
            .object(
                sections.mapValues { settings in
                    .object(
                        settings.mapValues { value in
                            switch value {
                            case .text(let text): .string(text)
                            case .group(let group): .object(group.mapValues { .string($0) })
                            }
                        })
                })
        }
        return [
            "sections": json(Dictionary(file.sections.map { ($0.name, $0.settings) }, uniquingKeysWith: { $1 })),
            "profiles": json(shared.profiles), "sso_sessions": json(shared.ssoSessions), "services": json(shared.services),
        ]
    }

    @Test func aByteOrderMark_isSkipped() throws {
        let file = try AWSProfileFile(parsing: [0xEF, 0xBB, 0xBF] + Array("[default]\na=1\n".utf8), name: "config")
        #expect(file["default"]?.text("a") == "1")
    }

    @Test(arguments: [
        ("[default]\naws_secret_access_key\n", 2, "neither a [section] nor"), ("a=1\n", 1, "before the first [section]"),
        ("[default]\na=1\n\n[default]\n", 4, "[default] stands twice"),
        ("[default]\na=1\n  x\na=hunter2\n", 4, "'a' stands twice in [default]"),
        ("[default]\na=1\ns3 =\n  b=2\n  hunter2\n", 5, "no '='"), ("[default]\n=hunter2\n", 2, "no key before the '='"),
    ])
    func aWrongLine_isNamedAndNotShown(text: String, line: Int, what: String) throws {
        let error = try #require(throws: MillraceError.self) { try AWSProfileFile(parsing: Array(text.utf8), name: "/home/x/.aws/config") }
        #expect(error.code == .awsCredentials)
        #expect(error.message.hasPrefix("/home/x/.aws/config, line \(line): ") && error.message.contains(what), "\(error.message)")
        #expect(!error.message.contains("hunter2") && !error.message.contains("aws_secret"))
    }

    @Test func textThatIsNotUTF8_isRefused() {
        #expect(throws: MillraceError.self) { try AWSProfileFile(parsing: [0x5B, 0xFF, 0x5D], name: "config") }
    }

    @Test func aFile_printsWithoutItsValues() throws {
        let file = try AWSProfileFile(parsing: Array("[default]\nkey = hunter2\ns3 =\n  key = hunter2\n".utf8), name: "config")
        var dumped = ""
        dump(file, to: &dumped)
        #expect(!"\(file)".contains("hunter2") && !dumped.contains("hunter2") && "\(file)".contains("default"))
    }
}
