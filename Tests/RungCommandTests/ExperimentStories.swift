import Glibc
import RungCore
import Testing

/// The pipeline that comes with Rung, its smoke profile. Needs the network once, for numpy and matplotlib: only with
/// `RUNG_TEST_ENVIRONMENT=1`.
@Suite(.enabled(if: getenv("RUNG_TEST_ENVIRONMENT").map { String(cString: $0) } == "1"))
struct ExperimentStories {
  static let pipeline = "pipelines/double-descent"
  static let figures = ["svg", "png"].map { "\(pipeline)/figures/double-descent.\($0)" }

  func copy() throws -> Sandbox {
    let sandbox = try Sandbox()
    let root = Sandbox.sources.replacing("/Tests/RungCommandTests", with: "")
    try #require(mkdir("\(sandbox.project)/pipelines", 0o755) == 0)
    try #require(mkdir("\(sandbox.project)/\(Self.pipeline)", 0o755) == 0)
    let scripts = ["pipeline.yaml", "data.py", "fit.py", "measure.py", "theory.py", "figure.py"]
    for file in scripts.map({ "\(Self.pipeline)/\($0)" }) + [
      "pipelines/requirements.lock", "pipelines/library/experiment.py",
    ] {
      try sandbox.write(try #require(sandbox.read("\(root)/\(file)")), to: file)
    }
    return sandbox
  }

  // Proxies, certificates and indexes of packages, where the machine needs them to reach one.
  static var network: [String: String] {
    var own: [String: String] = [:]
    for name in [
      "PIP_INDEX_URL", "PIP_CERT", "PIP_CONFIG_FILE", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "SSL_CERT_FILE",
      "REQUESTS_CA_BUNDLE", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy",
    ] {
      if let value = getenv(name) { own[name] = String(cString: value) }
    }
    return own
  }

  @Test func twoRunsFromScratchGiveTheSameBytes() throws {
    // One run as it comes, one on a host that allows no namespaces.
    let sandboxes = try [copy(), copy()]
    let situations = [Situation.here, Situation(name: "no namespaces", refused: ["namespaces"])]
    for (sandbox, situation) in zip(sandboxes, situations) {
      let report = try sandbox.run("--profile", "smoke", in: situation, with: Self.network)
      #expect(report.finished.code == 0, "\(report.finished.testDescription)")
      #expect(
        report.steps == [
          "data": 3, "fit": 21, "measure": 21, "theory": 1, "flat_data": 3, "flat_fit": 6, "flat_measure": 6,
          "flat_theory": 1, "figure": 1, "claims": 1,
        ])
      #expect(try sandbox.run("--profile", "smoke", in: situation, with: Self.network).counts == Counts(unchanged: 64))
    }
    // The artifacts; their published copies say which run they are of.
    let made = try sandboxes.map { sandbox in
      (try sandbox.json(["show", "double-descent/figure", "--json"])["outputs"]?.array ?? []).map { $0["digest"] }
    }
    #expect(made[0].count == 3 && made[0] == made[1])

    let sandbox = sandboxes[0]
    for figure in Self.figures {
      let trace = try sandbox.json(["trace", figure, "--json"])
      let paths = Set((trace["sources"]?.array ?? []).compactMap { $0["path"]?.string })
      let scripts = ["data.py", "fit.py", "measure.py", "theory.py", "figure.py"]
      let wanted =
        scripts.map { "\(Self.pipeline)/\($0)" } + [
          "pipelines/requirements.lock", "pipelines/library/experiment.py",
        ]
      #expect(paths.isSuperset(of: wanted), "\(paths)")
      let environment = try #require(trace["environments"]?.array?.first)
      #expect(environment["lock_path"] == "pipelines/requirements.lock")
      #expect(environment["interpreter"]?.string?.contains("python") == true)
      #expect(environment["interpreter_version"]?.string?.contains("3.") == true)
    }

    // Every random number comes by name from the library, which every script but the theory's reads.
    #expect(sandbox.read("pipelines/library/experiment.py")?.contains("def stream") == true)

    // A comment in the data's script: the sets come out the same.
    try sandbox.append("# a comment", to: "\(Self.pipeline)/data.py")
    #expect(try sandbox.run("--profile", "smoke", with: Self.network).counts == Counts(ran: 6, unchanged: 58))
  }
}
