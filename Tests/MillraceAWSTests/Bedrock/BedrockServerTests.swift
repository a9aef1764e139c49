import MillraceCounterparts
import Testing

/// The tests' Bedrock Runtime, driven by the public clients: what they take, ours may be tested against.
@Suite(.ownThreads) struct BedrockServerTests {
    @Test func publicClients_driveTheServer() throws {
        guard let server = try BedrockServer.shared() else { return }
        let skewed = try BedrockServer(["--clock-offset", "3600"])
        defer { skewed.stop() }
        let script = try CounterpartProcess([Counterpart.python, Counterpart.script("bedrock_boto3.py"), server.url, skewed.url])
        defer { script.stop() }
        let last = try script.waitForLine(seconds: 120) { $0 == "all passed" || $0.hasSuffix(" failed") || $0.contains("Traceback") }
        #expect(last == "all passed", "\(script.lines.filter { !$0.hasPrefix("ok ") }.joined(separator: "\n"))")
        #expect(script.lines.filter { $0.hasPrefix("ok ") }.count > 90)
    }
}
