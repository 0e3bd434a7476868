/// Who is let in: a decision about the head of a request, made from values alone.
///
/// The server listens on loopback, where every program and every page of this machine can reach it. So a request must
/// know the token, which only the URL has that was printed for the user; must name the address that the server has in
/// `Host`, which a page that has rebound its own name to 127.0.0.1 does not; and must not come from another site's page.
public struct Door: Sendable {
  /// Where the server listens.
  public let port: Int
  /// The secret part of its address, letters and digits.
  public let token: String

  /// A door.
  public init(port: Int, token: String) {
    self.port = port
    self.token = token
  }

  /// The head of a request.
  public struct Head: Sendable {
    /// `GET`, …
    public var method: String
    /// As it came: path and query.
    public var target: String
    /// By names in small letters; of those that came twice all.
    public var headers: [String: [String]]

    /// A head.
    public init(method: String, target: String, headers: [String: [String]]) {
      self.method = method
      self.target = target
      self.headers = headers
    }
  }

  /// What becomes of a request.
  public enum Verdict: Sendable, Equatable {
    /// It may be asked.
    case welcome(path: String, query: [String: String])
    /// It may not, and why.
    case refused(status: Int, why: String)
  }

  /// Decides.
  public func judge(_ head: Head) -> Verdict {
    guard head.method == "GET" || head.method == "HEAD" else {
      return .refused(status: 405, why: "only GET and HEAD: nothing is changed here")
    }
    let hosts = head.headers["host"] ?? []
    guard hosts.count == 1, ownHosts.contains(hosts[0].lowercased()) else {
      return .refused(status: 421, why: "this is 127.0.0.1:\(port), and no other host")
    }
    for origin in head.headers["origin"] ?? []
    where !ownHosts.contains(where: { "http://\($0)" == origin.lowercased() }) {
      return .refused(status: 403, why: "pages of other sites are not answered")
    }
    for site in head.headers["sec-fetch-site"] ?? [] where site != "same-origin" && site != "none" {
      return .refused(status: 403, why: "pages of other sites are not answered")
    }
    let halves = head.target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = halves.first, whole.first == "/", let decoded = Self.decoded(whole, plus: false) else {
      return .refused(status: 400, why: "the address cannot be read")
    }
    let parts = decoded.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard let first = parts.first, Self.areEqual(first, token) else {
      return .refused(status: 403, why: "the address lacks its token; use the one that `rung serve` printed")
    }
    let rest = parts.dropFirst()
    guard !rest.contains(".."), !rest.contains("."), !decoded.utf8.contains(0) else {
      return .refused(status: 400, why: "the address cannot be read")
    }
    var query: [String: String] = [:]
    for pair in halves.count == 2 ? halves[1].split(separator: "&") : [] {
      let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = Self.decoded(sides[0], plus: true),
        let value = Self.decoded(sides.count == 2 ? sides[1] : "", plus: true)
      else { return .refused(status: 400, why: "the address cannot be read") }
      query[name] = value
    }
    return .welcome(path: rest.joined(separator: "/"), query: query)
  }

  private var ownHosts: [String] { ["127.0.0.1:\(port)", "localhost:\(port)"] }

  // Takes as long for a wrong token as for the right one.
  private static func areEqual(_ a: String, _ b: String) -> Bool {
    let (a, b) = (Array(a.utf8), Array(b.utf8))
    guard a.count == b.count else { return false }
    var difference: UInt8 = 0
    for (x, y) in zip(a, b) { difference |= x ^ y }
    return difference == 0
  }

  // RFC 3986, 2.1; in a query `+` stands for a space. Nil for what is no UTF-8 or no encoding.
  static func decoded(_ text: Substring, plus: Bool) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "%"):
        guard rest.count >= 2, let high = hex(rest[rest.startIndex]), let low = hex(rest[rest.startIndex + 1]) else {
          return nil
        }
        bytes.append(high << 4 | low)
        rest = rest.dropFirst(2)
      case UInt8(ascii: "+") where plus: bytes.append(0x20)
      default: bytes.append(byte)
      }
    }
    return String(validating: bytes, as: UTF8.self)
  }

  private static func hex(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
  }

  /// A new token: 128 random bits from the system.
  public static func newToken() -> String {
    var random = SystemRandomNumberGenerator()
    return (0..<4).map { _ in
      let digits = String(UInt32.random(in: .min ... .max, using: &random), radix: 16)
      return String(repeating: "0", count: 8 - digits.count) + digits
    }.joined()
  }
}
