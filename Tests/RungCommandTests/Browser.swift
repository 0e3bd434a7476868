import Glibc
import RungCore

/// As much of a browser as a test of `rung serve` needs: asks one thing over a connection of its own, and may listen.
final class Browser {
  private let file: Int32
  private var heard: [UInt8] = []

  /// Asks for a path below the token of an address such as `http://127.0.0.1:8000/TOKEN/`.
  init(_ address: String, _ path: String = "", headers: [String] = []) throws {
    let rest = address.dropFirst("http://127.0.0.1:".count)
    let number = String(rest.prefix { $0 != "/" })
    guard let port = UInt16(number) else { throw Broken(description: "no address: \(address)") }
    file = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var target = sockaddr_in()
    target.sin_family = sa_family_t(AF_INET)
    target.sin_port = port.bigEndian
    target.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let code = withUnsafePointer(to: &target) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard code == 0 else { throw Broken(description: "cannot connect to \(address)") }
    let whole = rest.dropFirst(number.count) + path
    let lines = ["GET \(whole) HTTP/1.1", "Host: 127.0.0.1:\(port)", "Connection: close"] + headers + ["", ""]
    let bytes = Array(lines.joined(separator: "\r\n").utf8)
    _ = send(file, bytes, bytes.count, Int32(MSG_NOSIGNAL))
  }

  deinit { close(file) }

  private func more() throws -> Bool {
    var polled = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
    guard poll(&polled, 1, 120_000) > 0 else { throw Broken(description: "the server says nothing for two minutes") }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = recv(file, &bytes, bytes.count, 0)
    if count <= 0 { return false }
    heard += bytes[..<count]
    return true
  }

  /// The whole answer: status, head and body.
  func answer() throws -> (status: Int, head: String, body: String) {
    while try more() {}
    let text = String(decoding: heard, as: UTF8.self)
    let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
    let status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    let end = lines.firstIndex(of: "") ?? lines.endIndex
    return (
      status, lines[..<end].joined(separator: "\n"), lines.dropFirst(end + 1).joined(separator: "\r\n")
    )
  }

  /// The data of the next event `state` that is as wanted; those before are let go by.
  func state(where isWanted: (JSON) -> Bool) throws -> JSON {
    while true {
      var from = heard.startIndex
      while let end = Self.find("\n\n", in: heard[from...]) {
        let block = String(decoding: heard[from..<end], as: UTF8.self)
        from = end + 2
        guard let line = block.split(separator: "\n").first(where: { $0.hasPrefix("data: ") }),
          block.contains("event: state")
        else { continue }
        let json = try JSON(parsing: Array(line.dropFirst(6).utf8))
        if isWanted(json) {
          heard.removeSubrange(..<from)
          return json
        }
      }
      heard.removeSubrange(..<from)
      guard try more() else { throw Broken(description: "the events ended: \(String(decoding: heard, as: UTF8.self))") }
    }
  }

  private static func find(_ text: String, in bytes: ArraySlice<UInt8>) -> Int? {
    let wanted = Array(text.utf8)
    var at = bytes.startIndex
    while at + wanted.count <= bytes.endIndex {
      if bytes[at..<at + wanted.count].elementsEqual(wanted) { return at }
      at += 1
    }
    return nil
  }
}
