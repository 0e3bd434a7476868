import Glibc
import RungCore
import RungWire

/// How a server is spoken with, by the variables of this process.
struct HTTPSettings: Sendable {
  /// The address before `/cas` and `/ac`.
  let address: String
  let credentials: Credentials?
  /// The file of RUNG_CA_FILE.
  let authorities: String?
  /// RUNG_REMOTE_STALL: seconds.
  let stall: Int
  /// RUNG_REMOTE_PARALLEL.
  let connections: Int
  /// RUNG_REMOTE_BACKOFF: milliseconds before the first repetition; twice as many before the next.
  let backoff: Int
  /// RUNG_REMOTE_LIMIT: the most bytes of an object that are taken.
  let most: Int64
  /// The program.
  let program: String
  /// What the program is given: nothing that is secret.
  let variables: [String: String]

  /// How often a request is tried that failed for a reason that may pass.
  static let attempts = 4

  init(address: String, host: String, variables: [String: String]) throws(RemoteError) {
    self.address = address
    credentials = try Credentials.find(host: host, variables: variables)
    authorities = variables["RUNG_CA_FILE"].flatMap { $0.isEmpty ? nil : $0 }
    func number(_ name: String, _ usual: Int, _ range: ClosedRange<Int>) throws(RemoteError) -> Int {
      guard let text = variables[name], !text.isEmpty else { return usual }
      guard let value = Int(text), range.contains(value) else {
        throw RemoteError(.local, "\(name) is to be a number from \(range.lowerBound) to \(range.upperBound)")
      }
      return value
    }
    stall = try number("RUNG_REMOTE_STALL", 30, 1...86_400)
    connections = try number("RUNG_REMOTE_PARALLEL", 8, 1...64)
    backoff = try number("RUNG_REMOTE_BACKOFF", 250, 1...60_000)
    most = Int64(try number("RUNG_REMOTE_LIMIT", 256 << 30, 1...(1 << 50)))
    guard let program = Self.find(variables) else {
      throw RemoteError(
        .local,
        "remote caches over HTTP need the program rung-transfer, which lies beside rung (`make build` makes it, `make"
          + " install` installs it; RUNG_TRANSFER names another)")
    }
    self.program = program
    self.variables = variables.filter { !$0.key.hasPrefix("RUNG_REMOTE_") }
  }

  // Like the launcher of steps: named by a variable, beside this program, or in ../libexec/rung from there.
  private static func find(_ variables: [String: String]) -> String? {
    if let chosen = variables["RUNG_TRANSFER"], !chosen.isEmpty { return access(chosen, X_OK) == 0 ? chosen : nil }
    guard let own = realpath("/proc/self/exe", nil) else { return nil }
    defer { free(own) }
    let folder = String(cString: own).split(separator: "/").dropLast().joined(separator: "/")
    return ["/\(folder)/rung-transfer", "/\(folder)/../libexec/rung/rung-transfer"].first { access($0, X_OK) == 0 }
  }

  /// What the program is told.
  var pairs: [(TransferTalk.Setting, String)] {
    var result: [(TransferTalk.Setting, String)] = [
      (.address, address), (.stall, "\(stall)"), (.connections, "\(connections)"), (.agent, "rung"),
    ]
    if let authorities { result.append((.authorities, authorities)) }
    switch credentials?.secret {
    case .token(let token): result.append((.token, token))
    case .password(let user, let password): result += [(.user, user), (.password, password)]
    case nil: break
    }
    return result
  }
}
