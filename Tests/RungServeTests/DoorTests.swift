import RungServe
import Testing

/// Who is let in.
@Suite struct DoorTests {
  static let token = "00112233445566778899aabbccddeeff"
  let door = Door(port: 8000, token: token)

  private func judge(
    _ target: String = "/\(token)/a/b.html", method: String = "GET", host: [String] = ["127.0.0.1:8000"],
    _ more: [String: [String]] = [:]
  ) -> Door.Verdict {
    door.judge(.init(method: method, target: target, headers: ["host": host].merging(more) { $1 }))
  }

  private func status(_ verdict: Door.Verdict) -> Int {
    if case .refused(let status, _) = verdict { status } else { 200 }
  }

  @Test func whoKnowsTheTokenIsLetIn() {
    #expect(judge() == .welcome(path: "a/b.html", query: [:]))
    #expect(judge("/\(Self.token)/") == .welcome(path: "", query: [:]))
    #expect(judge("/\(Self.token)", method: "HEAD", host: ["LocalHost:8000"]) == .welcome(path: "", query: [:]))
    #expect(
      judge("/\(Self.token)/a%20%C3%A9?x=1%2B2&y=a+b&z")
        == .welcome(
          path: "a é", query: ["x": "1+2", "y": "a b", "z": ""]))
    #expect(
      judge("/\(Self.token)/", ["origin": ["http://127.0.0.1:8000"], "sec-fetch-site": ["same-origin"]]) != judge("/"))
  }

  @Test(arguments: [
    "/", "", "/x/", "/00112233445566778899aabbccddeef/", "/00112233445566778899aabbccddeeff0/", "/?\(token)",
    "/%00\(token)/", "//\(token)/",
  ]) func whoDoesNotIsRefused(target: String) {
    #expect([400, 403].contains(status(judge(target))))
  }

  @Test(arguments: [
    [], ["evil.example:8000"], ["127.0.0.1"], ["127.0.0.1:8001"], ["evil.example", "127.0.0.1:8000"],
    ["127.0.0.1:8000.evil.example"], ["[::1]:8000"], ["127.0.0.1:8000 "],
  ]) func anotherHostIsRefused(host: [String]) {
    #expect(status(judge(host: host)) == 421)
  }

  @Test(arguments: ["http://evil.example", "null", "https://127.0.0.1:8000", "http://127.0.0.1:8001", ""])
  func anotherOriginIsRefused(origin: String) {
    #expect(status(judge(["origin": [origin]])) == 403)
    #expect(status(judge(["origin": ["http://127.0.0.1:8000", origin]])) == 403)
  }

  @Test func requestsOfOtherSitesAreRefused() {
    for site in ["cross-site", "same-site", ""] { #expect(status(judge(["sec-fetch-site": [site]])) == 403) }
  }

  private func judge(_ more: [String: [String]]) -> Door.Verdict { judge("/\(Self.token)/", more) }

  private func judge(_ target: String, _ more: [String: [String]]) -> Door.Verdict {
    judge(target, method: "GET", host: ["127.0.0.1:8000"], more)
  }

  @Test(arguments: ["POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "get", ""])
  func nothingIsChanged(method: String) {
    #expect(status(judge(method: method)) == 405)
  }

  @Test(arguments: ["../x", "a/../../x", "%2e%2e/x", "a/./b", "a%00", "%zz", "%e9", "a/%2e%2e%2fx"])
  func waysOutAreRefused(path: String) {
    #expect(status(judge("/\(Self.token)/\(path)")) == 400)
  }

  @Test func tokensAreLongAndDiffer() {
    let tokens = Set((0..<100).map { _ in Door.newToken() })
    #expect(tokens.count == 100 && tokens.allSatisfy { $0.count == 32 && $0.allSatisfy(\.isHexDigit) })
  }
}
