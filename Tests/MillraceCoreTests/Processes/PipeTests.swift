import Glibc
import MillraceCore
import Testing

@Suite struct PipeTests {
    @Test func ends_areClosedInOtherPrograms() throws {
        let pipe = try Pipe()
        defer { pipe.close() }
        #expect([pipe.readEnd, pipe.writeEnd].map { fcntl($0, F_GETFD) & FD_CLOEXEC } == [FD_CLOEXEC, FD_CLOEXEC])
        var byte: UInt8 = 7
        #expect(write(pipe.writeEnd, &byte, 1) == 1)
        var found: UInt8 = 0
        #expect(read(pipe.readEnd, &found, 1) == 1 && found == 7)
    }

    @Test(arguments: [true, false]) func program_hasNoDescriptorsButItsOwn(closesAll: Bool) throws {
        // As one is that somebody else has opened without closing it in programs.
        let open = Glibc.open("/dev/null", O_RDONLY)
        defer { close(open) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if closesAll { ProgramDescriptors.close(from: 3, in: &actions) }
        let command: [String] = ["/bin/sh", "-c", "test -e /proc/$$/fd/\(open)"]
        var words: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var process = pid_t()
        #expect(posix_spawn(&process, "/bin/sh", &actions, nil, &words, environ) == 0)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        #expect((status == 0) == !closesAll)
    }
}
