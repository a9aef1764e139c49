import Millrace
import MillraceBackends
import MillraceCore

/// Makes what lies behind the seams out of the settings. What cannot be used is left out with its reason, so that a server starts all the same.
struct BackendAssembly {
    let settings: ServerSettings

    func make() -> Backends {
        var backends = Backends()
        backends.objects = InMemoryObjectStore()
        return backends
    }
}
