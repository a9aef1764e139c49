import Glibc
import MillraceCore
import MillraceServer
var settings = ServerSettings()
for (i, a) in CommandLine.arguments.enumerated() where i + 1 < CommandLine.arguments.count {
    let v = CommandLine.arguments[i + 1]
    if a == "--port" { settings.port = Int(v)! }
    if a == "--data-dir" { settings.dataDirectory = v }
    if a == "--loops" { settings.loops = Int(v)! }
    if a == "--log-level" { settings.logLevel = LogLevel(name: v)! }
}
do { exit(try Server(settings: settings).run()) } catch { print(error); exit(1) }
