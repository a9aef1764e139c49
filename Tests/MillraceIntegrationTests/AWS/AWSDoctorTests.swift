import Glibc
import MillraceCore
import MillraceCounterparts
import Testing

extension IntegrationTests {
    /// What `millrace doctor` says of `examples/aws/config.yaml`, with a Redis server beside it: as it should be, and with one thing
    /// wrong at a time.
    @Suite struct AWSDoctorTests {
        /// One thing that is wrong, and what is said of it.
        struct Fault: Sendable, CustomTestStringConvertible {
            var name: String
            var variables: [String: String] = [:]
            /// What the configuration file says otherwise.
            var changes: [String: String] = [:]
            /// The profile file, `~/.aws/config`.
            var profiles: String?
            /// Lines that are there, or begin so.
            var lines: [String]
            /// Whether only these lines are not in order.
            var areAll = true
            var testDescription: String { name }

            init(
                _ name: String, _ variables: [String: String] = [:], changes: [String: String] = [:], profiles: String? = nil,
                areAll: Bool = true, _ lines: String...
            ) {
                self.name = name
                self.variables = variables
                self.changes = changes
                self.profiles = profiles
                self.lines = lines
                self.areAll = areAll
            }
        }

        /// A Redis server with a password.
        private struct Redis {
            let port: Int
            let process: CounterpartProcess

            static let password = "mill-cache"

            /// - Returns: `nil`: it is not installed, which is said aloud.
            static func start() throws -> Redis? {
                guard let program = MillraceCounterparts.Counterpart.program("redis-server") else {
                    Counterpart.leftOut("redis-server")
                    return nil
                }
                let port = try MillraceCounterparts.Counterpart.freePort()
                let process = try CounterpartProcess(
                    [program, "--port", "\(port)", "--bind", "127.0.0.1", "--requirepass", password, "--save", ""], directory: "/tmp")
                try process.waitForPort(port)
                return Redis(port: port, process: process)
            }
        }

        /// The doctor's lines on the backends and models, with `PORT` for a port on which nothing listens and `DIR` for the directory.
        private static func doctor(
            _ fault: Fault, _ counterparts: AWSCounterparts, _ redis: Redis, in folder: TemporaryFolder
        ) throws -> (status: Int32, lines: [String], output: String) {
            let closed = try MillraceCounterparts.Counterpart.freePort()
            var variables = counterparts.environment
            variables["MILLRACE_CACHE_TYPE"] = "redis"
            variables["MILLRACE_CACHE_URL"] = "redis://127.0.0.1:\(redis.port)"
            variables["MILLRACE_CACHE_PASSWORD"] = "env:REDIS_PASSWORD"
            variables["REDIS_PASSWORD"] = Redis.password
            variables.merge(fault.variables.mapValues { $0.replacing("PORT", with: "\(closed)").replacing("DIR", with: folder.path) }) {
                $1
            }
            var yaml = TestFiles.read(TestFiles.packageRoot + "/examples/aws/config.yaml")
            for (old, new) in fault.changes {
                #expect(yaml.contains(old))
                yaml = yaml.replacing(old, with: new)
            }
            try folder.write("config.yaml", yaml)
            if let profiles = fault.profiles {
                mkdir(folder.path + "/.aws", 0o700)
                try folder.write(".aws/config", profiles)
            }
            let program = ServerProcess.buildFolder + "/millrace"
            let command = try Command(AWSCounterparts.launcher(variables, in: folder.path) + [program, "doctor", "--port", "0"])
            let subjects = [
                "aws:", "objects:", "search:", "secrets:", "cache:", "model ", "models:", "embedder ", "search.", "configuration: ",
            ]
            let lines = command.output.split(separator: "\n").map(String.init).filter { line in
                subjects.contains { line.dropFirst(6).hasPrefix($0) } && !line.contains("configuration: config.yaml")
                    && !line.contains("configuration: ./config.yaml")
            }
            let shown = lines.map {
                $0.replacing("127.0.0.1:\(closed)", with: "CLOSED").replacing(folder.path, with: "DIR").replacing(
                    "127.0.0.1:\(redis.port)", with: "REDIS")
            }
            return (command.status, shown, command.output)
        }

        private static let closed = "nothing listens on CLOSED: start the server, or check"
        private static let noProfile =
            "the profile 'nobody' (of AWS_PROFILE) is neither in DIR/.aws/config nor in DIR/.aws/credentials: there are none"
        private static let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
        private static let region = ["  aws:\n    region: us-east-1\n": ""]
        private static let wrongKey =
            "the secret access key does not fit the access key, or something on the way changes requests: check AWS_SECRET_ACCESS_KEY "
            + "or the profile"

        private static let faults: [Fault] = [
            // Down.
            Fault(
                "Bedrock is down", ["MILLRACE_AWS_BEDROCK_ENDPOINT": "http://127.0.0.1:PORT"],
                "FAIL  model claude: \(closed) models.claude.url or aws.bedrockEndpoint",
                "warn  embedder titan: \(closed) embedders.titan.url or aws.bedrockEndpoint"),
            Fault(
                "S3 is down", ["MILLRACE_AWS_S3_ENDPOINT": "http://127.0.0.1:PORT"],
                "warn  objects: \(closed) objects.endpoint or aws.s3Endpoint"),
            Fault("OpenSearch is down", ["MILLRACE_SEARCH_URL": "http://127.0.0.1:PORT"], "warn  search: \(closed) search.url"),
            Fault(
                "Secrets Manager is down", ["MILLRACE_AWS_SECRETS_MANAGER_ENDPOINT": "http://127.0.0.1:PORT"],
                "warn  search: its password, the secret 'opensearch#password', cannot be had: see the line 'secrets'",
                "warn  secrets: Secrets Manager cannot be asked for 'millrace/': \(closed) aws.secretsManagerEndpoint"),
            Fault(
                "STS is down", ["MILLRACE_AWS_STS_ENDPOINT": "http://127.0.0.1:PORT"],
                "warn  aws: credentials from the environment; STS could not be asked whose they are: nothing listens on CLOSED"),
            Fault(
                "Redis is down", ["MILLRACE_CACHE_URL": "redis://127.0.0.1:PORT"],
                "warn  cache: Redis at CLOSED cannot be used: no connection: Connection refused: start the server, or check cache.url"),
            Fault(
                "Redis's socket is not there", ["MILLRACE_CACHE_URL": "unix:///nowhere/redis.sock"],
                "warn  cache: Redis at /nowhere/redis.sock cannot be used: no connection: No such file or directory: start the server, or "
                    + "check cache.url"),
            // Wrong credentials. Secrets Manager and STS are moto's here, which does not check signatures.
            Fault(
                "the secret key is wrong", ["AWS_SECRET_ACCESS_KEY": "wrong"],
                "warn  objects: \(wrongKey) (S3 answered 403 SignatureDoesNotMatch",
                "FAIL  model claude: Bedrock refuses the request: \(wrongKey) (InvalidSignatureException",
                "warn  embedder titan: Bedrock refuses the request: \(wrongKey) (InvalidSignatureException"),
            Fault(
                "the access key is unknown", ["AWS_ACCESS_KEY_ID": "AKIANOBODY"],
                "warn  objects: it does not know the access key: check AWS_ACCESS_KEY_ID or the profile (S3 answered 403",
                "FAIL  model claude: Bedrock refuses the request: it does not know the access key: check AWS_ACCESS_KEY_ID or ",
                "warn  embedder titan: Bedrock refuses the request: it does not know the access key"),
            Fault(
                "OpenSearch's password is wrong", ["MILLRACE_SEARCH_PASSWORD": "env:REDIS_PASSWORD"],
                "warn  search: it refuses user and password: check search.user and search.password (OpenSearch answered 401"),
            Fault(
                "OpenSearch asks, and nobody answers", ["MILLRACE_SEARCH_AUTH": "none"],
                "warn  search: it asks who you are: set search.auth (OpenSearch answered 401"),
            Fault(
                "OpenSearch's password is not stored", ["MILLRACE_SEARCH_PASSWORD": "secret:nobody"],
                "warn  search: the settings name the secret 'nobody', which cannot be had: there is no secret "
                    + "'millrace/nobody' in Secrets Manager"
            ),
            Fault(
                "OpenSearch's password is no member", ["MILLRACE_SEARCH_PASSWORD": "secret:opensearch#none"],
                "warn  search: the settings name the secret 'opensearch#none', which cannot be had: the secret has no member 'none'"),
            Fault(
                "Redis's password is wrong", ["REDIS_PASSWORD": "mill-wrong"],
                "warn  cache: Redis at REDIS cannot be used: it answered WRONGPASS invalid username-password pair or user is disabled: "
                    + "check cache.user and cache.password"),
            Fault(
                "Redis asks for a password", ["MILLRACE_CACHE_PASSWORD": ""],
                "warn  cache: Redis at REDIS cannot be used: it answered NOAUTH Authentication required: set cache.password"),
            Fault(
                "Redis's password is in no variable", ["MILLRACE_CACHE_PASSWORD": "env:NONE"],
                "warn  cache: cache.password: the environment variable NONE is not set"),
            // Nobody there, or somebody else.
            Fault(
                "the bucket is missing", ["MILLRACE_OBJECTS_BUCKET": "missing"],
                "warn  objects: there is no bucket 'missing': make it, or check objects.bucket (S3 answered 404 NoSuchBucket"),
            Fault(
                "no bucket is named", changes: ["    bucket: millrace-files\n": ""],
                "warn  objects: objects.type is s3, and no bucket is named: set objects.bucket"),
            Fault(
                "the bucket's name is none", ["MILLRACE_OBJECTS_BUCKET": "Bad_Name"],
                "warn  objects: 'Bad_Name' cannot be the name of a bucket: it consists of lower-case letters, digits, dots and hyphens"),
            Fault(
                "no embedder has that name", ["MILLRACE_SEARCH_EMBEDDER": "nobody"],
                "FAIL  search.embedder: no embedder is called 'nobody'; there are: local, titan"),
            // AWS's own configuration.
            Fault(
                "no region", changes: region,
                "warn  objects: no region is set for S3: set aws.region, AWS_REGION, or 'region' in the profile 'default' of DIR",
                "warn  search: its password", "warn  secrets: no region is set for Secrets Manager: set aws.region, AWS_REGION",
                "FAIL  models: defaults.model: the model 'claude' is not available: no region is set for Bedrock",
                "FAIL  model claude: no region is set for Bedrock: set aws.region, AWS_REGION",
                "warn  embedder titan: no region is set for Bedrock: set aws.region, AWS_REGION"),
            Fault(
                "another region", ["MILLRACE_AWS_REGION": "eu-central-1"], areAll: false,
                "FAIL  model claude: Bedrock refuses the request: it is in another region: check aws.region and the endpoint ("),
            Fault(
                "no profile of that name", ["AWS_PROFILE": "nobody"], areAll: false, "warn  aws: \(noProfile)",
                "warn  objects: \(noProfile)",
                "warn  secrets: \(noProfile)", "FAIL  model claude: \(noProfile)", "warn  embedder titan: \(noProfile)"),
            Fault(
                "the bucket's profile is none", ["MILLRACE_OBJECTS_PROFILE": "nobody"],
                "warn  objects: the profile 'nobody' is neither in DIR/.aws/config nor in DIR/.aws/credentials: there are none"),
            Fault(
                "a profile without credentials", ["MILLRACE_OBJECTS_PROFILE": "bare"], profiles: "[profile bare]\nregion = us-east-1\n",
                areAll: false,
                "warn  objects: no credentials for AWS were found: environment: not looked at, since the profile 'bare' was asked for"),
            Fault(
                "a broken profile file", profiles: "[default]\nregion = eu-west-1\nnonsense\n", areAll: false,
                "warn  aws: DIR/.aws/config, line 3: this is neither a [section] nor 'key = value'",
                "FAIL  model claude: DIR/.aws/config, line 3: "),
            Fault(
                "no credentials", ["AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""], "warn  aws: no credentials for AWS were found: ",
                "warn  objects: AWS's credentials cannot be had: see the line 'aws'",
                "warn  search: its password, the secret 'opensearch#password', cannot be had: see the line 'secrets'",
                "warn  secrets: AWS's credentials cannot be had: see the line 'aws'",
                "FAIL  model claude: AWS's credentials cannot be had: see the line 'aws'",
                "warn  embedder titan: AWS's credentials cannot be had: see the line 'aws'"),
            // Files.
            Fault(
                "a file where objects go", ["MILLRACE_OBJECTS_TYPE": "directory", "MILLRACE_OBJECTS_PATH": "DIR/config.yaml"],
                "warn  objects: DIR/config.yaml is a file: choose another with objects.path"),
            Fault(
                "a file above where objects go", ["MILLRACE_OBJECTS_TYPE": "directory", "MILLRACE_OBJECTS_PATH": "DIR/config.yaml/x"],
                "warn  objects: DIR/config.yaml/x: cannot be made in DIR/config.yaml: change its owner or mode, or choose another with "
                    + "objects.path"),
            Fault(
                "a file where the cache goes", ["MILLRACE_CACHE_TYPE": "directory", "MILLRACE_CACHE_PATH": "DIR/config.yaml"],
                "warn  cache: DIR/config.yaml is a file: choose another with cache.path"),
            Fault(
                "a directory where the index goes", ["MILLRACE_SEARCH_TYPE": "sqlite", "MILLRACE_SEARCH_PATH": "DIR"],
                "warn  search: DIR is a directory: choose a file with search.path"),
            Fault(
                "something else where the index goes", ["MILLRACE_SEARCH_TYPE": "sqlite", "MILLRACE_SEARCH_PATH": "DIR/config.yaml"],
                "warn  search: DIR/config.yaml is no database of SQLite: choose another with search.path"),
            Fault(
                "a damaged file of secrets",
                ["MILLRACE_SECRETS_TYPE": "file", "MILLRACE_SECRETS_PATH": "DIR/config.yaml", "MILLRACE_SECRETS_KEY": key],
                "warn  search: its password", "warn  secrets: the secret store cannot be read: DIR/config.yaml is no file of secrets"),
            // Secrets in wrong places are not shown.
            Fault(
                "a password in the URL", ["MILLRACE_CACHE_URL": "redis://me:mill-cache@127.0.0.1:PORT"], areAll: false,
                "FAIL  configuration: environment variable MILLRACE_CACHE_URL: cache.url: expected a URL without a password: say where "
                    + "it is with cache.password, such as env:NAME, found a value that is not shown"),
            Fault(
                "a password instead of its place", ["MILLRACE_CACHE_PASSWORD": "mill-cache"], areAll: false,
                "FAIL  configuration: environment variable MILLRACE_CACHE_PASSWORD: cache.password: expected where the secret is"),
        ]

        @Test(.timeLimit(.minutes(2))) func everythingIsUp_everyLineIsInOrder() async throws {
            guard let counterparts = try AWSCounterparts.shared(), let redis = try Redis.start() else { return }
            defer { redis.process.stop() }
            let found = try Self.doctor(Fault("nothing"), counterparts, redis, in: TemporaryFolder())
            let expected = [
                "ok    aws: credentials from the environment: arn:aws:sts::123456789012:user/moto",
                "ok    objects: the bucket 'millrace-files' answers", "ok    search: OpenSearch 2.19.1, cluster 'fake' is green",
                "ok    secrets: 1 secret", "ok    cache: Redis answers",
                "ok    model claude: Bedrock in us-east-1 has 'us.anthropic.claude-sonnet-4-20250514-v1:0'",
                "ok    embedder titan: Bedrock in us-east-1 has 'amazon.titan-embed-text-v2:0'",
            ]
            #expect(found.lines == expected)
            #expect(found.status == 0, "\(found.output)")
        }

        @Test(.timeLimit(.minutes(3))) func oneThingIsWrong_itsLineSaysWhatItIsAndWhatToDo() async throws {
            guard let counterparts = try AWSCounterparts.shared(), let redis = try Redis.start() else { return }
            defer { redis.process.stop() }
            for fault in Self.faults {
                let found = try Self.doctor(fault, counterparts, redis, in: TemporaryFolder())
                let wrong = found.lines.filter { !$0.hasPrefix("ok ") }
                for line in fault.lines { #expect(wrong.contains { $0.hasPrefix(line) }, "\(fault.name): \(line) is not in \(wrong)") }
                if fault.areAll {
                    let others = wrong.filter { line in !fault.lines.contains { line.hasPrefix($0) } }
                    #expect(others.isEmpty, "\(fault.name)")
                }
                #expect(found.status == (wrong.contains { $0.hasPrefix("FAIL") } ? 1 : 0), "\(fault.name)")
                for secret in ["sekrit", "mill-stream", "mill-cache", "mill-wrong"] {
                    #expect(!found.output.contains(secret), "\(fault.name) shows a secret")
                }
            }
        }

        /// The file of secrets and its keys, each wrong in its way.
        @Test(.timeLimit(.minutes(2))) func fileOfSecrets_saysWhatIsWrongWithIt() async throws {
            guard let counterparts = try AWSCounterparts.shared(), let redis = try Redis.start() else { return }
            defer { redis.process.stop() }
            let folder = try TemporaryFolder()
            try folder.write("good.key", Self.key)
            try folder.write("open.key", Self.key, mode: 0o644)
            try folder.write("other.key", "BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
            let value = try folder.write("value", #"{"password": "mill-stream"}"#)
            let program = ServerProcess.buildFolder + "/millrace"
            let variables = ["MILLRACE_SECRETS_PATH": "\(folder.path)/secrets.enc", "MILLRACE_SECRETS_KEY": Self.key]
            let set = try Command(
                AWSCounterparts.launcher(variables, in: folder.path) + [program, "secrets", "set", "opensearch", "--value-file", value])
            #expect(set.status == 0, "\(set.output)")
            let cases = [
                ("good.key", "ok    secrets: 1 secret"),
                (
                    "open.key",
                    "warn  secrets: the key of the secret store can be read by other users of this machine: run `chmod 600 DIR/open.key`"
                ),
                ("absent.key", "warn  secrets: the key of the secret store is missing (DIR/absent.key): restore it"),
                ("other.key", "warn  secrets: the secret store cannot be read: DIR/secrets.enc is encrypted with the key "),
            ]
            for (keyFile, line) in cases {
                let own = [
                    "MILLRACE_SECRETS_TYPE": "file", "MILLRACE_SECRETS_PATH": "DIR/secrets.enc",
                    "MILLRACE_SECRETS_KEY_FILE": "DIR/\(keyFile)",
                ]
                let found = try Self.doctor(Fault(keyFile, own), counterparts, redis, in: folder)
                #expect(found.lines.contains { $0.hasPrefix(line) }, "\(keyFile): \(found.lines)")
                let isUsable = keyFile == "good.key"
                #expect(found.lines.contains { $0.hasPrefix(isUsable ? "ok    search: " : "warn  search: its password") }, "\(found.lines)")
            }
        }
    }
}
