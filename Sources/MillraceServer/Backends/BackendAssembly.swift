import Millrace
import MillraceBackends
import MillraceCore
import MillraceHTTPClient

/// Makes what lies behind the seams out of the settings. What cannot be used is left out with its reason, so that a server starts all the same.
struct BackendAssembly {
    let settings: ServerSettings
    /// How services are reached.
    let transport: any HTTPTransport
    /// The same without retries, for endpoints of the machine itself.
    let plain: any HTTPTransport
    let blocking: BlockingExecutor
    var logger = Logger.silent
    /// Whether nothing is to be made or changed: for `millrace doctor`.
    var isLooking = false

    func make() -> Backends {
        let aws = AWSAssembly(settings.aws, transport: transport, plain: plain, blocking: blocking)
        var backends = Backends(aws: aws, resolver: SecretResolver(nil))
        backends.objects = InMemoryObjectStore()
        return backends
    }
}
