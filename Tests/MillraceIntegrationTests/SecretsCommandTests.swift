import Glibc
import MillraceCore
import Testing

/// `millrace secrets` as a process.
@Suite struct SecretsCommandTests {
    private let directory = TestFiles.temporaryPath("secrets")
    private static let program = "\(ServerProcess.buildFolder)/millrace"

    /// Runs a shell's line in which `$M` is `millrace`, with the data in a directory of this test.
    private func run(_ line: String) throws -> Command {
        try Command([
            "/bin/sh", "-c", #"unset MILLRACE_PROGRAMS; M=$0; cd "$1" && "# + line, Self.program, directory,
        ])
    }

    init() throws { try #require(mkdir(directory, 0o700) == 0) }

    @Test func secret_isSetGivenListedAndRemoved() throws {
        defer { TestFiles.remove(directory) }
        let set = try run(#"printf 'geheim-1\n' | $M secrets set app/key"#)
        #expect(set.status == 0)
        #expect(set.output.contains("made the key file ./data/secrets.key"))
        #expect(!set.output.contains("geheim"))
        #expect(try run(#"$M secrets get app/key"#).output == "geheim-1")
        #expect(
            try run(#"printf '{"a":"geheim-2"}' >v; $M secrets set --value-file v db >/dev/null 2>&1; $M secrets get db --key a"#).output
                == "geheim-2")
        #expect(try run(#"printf 'x\n' | $M secrets set e --exact 2>/dev/null; $M secrets get e"#).output == "x\n")
        let list = try run("$M secrets list")
        #expect(list.output.split(separator: "\n").map { String($0.prefix { $0 != " " }) } == ["name", "app/key", "db", "e"])
        #expect(!list.output.contains("geheim"))
        let json = try run("$M secrets list --json").output.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
        #expect(json.map { $0["name"]?.string } == ["app/key", "db", "e"])
        #expect(try run("$M secrets remove db").status == 0)
        let gone = try run("$M secrets get db")
        #expect(gone.status == 1)
        #expect(gone.output.contains("there is no secret 'db'"))
        #expect(try run("$M secrets get app/key --key x").output.contains("geheim") == false)
    }

    @Test func rotate_givesTheFileANewKey() throws {
        defer { TestFiles.remove(directory) }
        let rotated = try run(
            #"echo v | $M secrets set k 2>&1 && cp data/secrets.key old && $M secrets rotate && ! cmp -s data/secrets.key old"#)
        #expect(rotated.status == 0)
        #expect(rotated.output.contains("1 secret is encrypted with a new key"))
        #expect(try run("$M secrets get k").output == "v")
        #expect(try run("cp old data/secrets.key; chmod 600 data/secrets.key; $M secrets get k").status == 1)
        #expect(try run("$M secrets rotate k").status == 1)
    }

    @Test func keysOfTheEnvironment_needNoFile() throws {
        defer { TestFiles.remove(directory) }
        let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
        #expect(
            try run("export MILLRACE_SECRETS_KEY=\(key); echo v | $M secrets set k 2>&1; $M secrets get k; ls data").output.hasSuffix(
                "vsecrets.enc\nsecrets.enc.lock\n"))
        let refused = try run("MILLRACE_SECRETS_KEY='correct horse battery' $M secrets list")
        #expect(refused.status == 1)
        #expect(refused.output.contains("openssl rand -base64 32"))
        #expect(!refused.output.contains("horse"))
    }

    @Test(arguments: [
        ("$M secrets get", 2), ("$M secrets set a b", 2), ("$M secrets set a --value v", 2), ("echo v | $M secrets set 'a b'", 1),
        ("printf '' | $M secrets set a", 1), (#"printf '\377' | $M secrets set a"#, 1), ("head -c 70000 /dev/zero | $M secrets set a", 1),
        ("$M secrets set a --value-file absent", 1), ("$M secrets list --data-dir :memory:", 1),
        ("MILLRACE_SECRETS_TYPE=nothing $M secrets list", 1),
    ])
    func wrongUse_endsWithItsStatus(_ line: String, _ status: Int32) throws {
        defer { TestFiles.remove(directory) }
        let command = try run(line)
        #expect(command.status == status)
        #expect(command.output.hasPrefix("millrace: "))
        // Nothing is made for what is not taken.
        #expect(access(directory + "/data/secrets.key", F_OK) != 0)
    }

    @Test func valueThatIsTyped_isNotShown() throws {
        defer { TestFiles.remove(directory) }
        guard Counterpart.hasPython(modules: "pty") else { return }
        let driver = TestFiles.packageRoot + "/Tests/MillraceIntegrationTests/Clients/typed_secret.py"
        let typed = try Command([Counterpart.python, driver, "geheim", Self.program, "secrets", "set", "k", "--data-dir", directory])
        #expect(typed.output.contains("status 0"))
        #expect(typed.output.contains("Value of k (not shown): "))
        #expect(!typed.output.contains("geheim"))
        #expect(try run("$M secrets get k --data-dir .").output == "geheim")
        let interrupted = try Command([Counterpart.python, driver, "^C", Self.program, "secrets", "set", "other", "--data-dir", directory])
        #expect(interrupted.output.contains("status 130"))
        #expect(try run("$M secrets get other --data-dir .").status == 1)
    }
}
