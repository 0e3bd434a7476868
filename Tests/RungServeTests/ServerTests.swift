import Glibc
import RungServe
import Testing

/// The server itself, through sockets of this machine's loopback.
@Suite struct ServerTests {
  private struct Broken: Error { let what: String }

  private func server() throws -> LoopbackServer {
    try LoopbackServer(port: 0) { request in
      switch request.path {
      case "events": .events(channel: "x")
      case "large": .answer(Answer(type: "text/plain", body: [UInt8](repeating: 0x61, count: 3 << 20)))
      default: .answer(.text(200, "path \(request.path)"))
      }
    }
  }

  // A connection that gives up after a minute instead of hanging for ever.
  private func connect(_ server: LoopbackServer) throws -> Int32 {
    let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var limit = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(server.port).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    let code = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard code == 0 else { throw Broken(what: "cannot connect: \(errno)") }
    return file
  }

  private func send(_ text: String, to file: Int32) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.send(file, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if count <= 0 { return }
      bytes = bytes.dropFirst(count)
    }
  }

  // Reads until a text has come, or the other side closes.
  private func read(_ file: Int32, until end: String? = nil) -> String {
    var text = ""
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = recv(file, &buffer, buffer.count, 0)
      if count <= 0 { return text }
      text += String(decoding: buffer[..<count], as: UTF8.self)
      if let end, text.contains(end) { return text }
    }
  }

  private func get(_ server: LoopbackServer, _ path: String, headers: String = "") throws -> String {
    let file = try connect(server)
    defer { close(file) }
    send("GET \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\nConnection: close\r\n\(headers)\r\n", to: file)
    return read(file)
  }

  @Test func answersWhoKnowsTheToken() throws {
    let server = try server()
    defer { server.close() }
    let answer = try get(server, "/\(server.token)/a/b")
    #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.hasSuffix("path a/b\n"))
    for header in [
      "X-Content-Type-Options: nosniff", "Referrer-Policy: no-referrer", "Cache-Control: no-store",
      "Content-Security-Policy: default-src 'none'",
    ] { #expect(answer.contains(header)) }
    #expect(try get(server, "/\(server.token)/large").utf8.count > 3 << 20)
    #expect(try get(server, "/").hasPrefix("HTTP/1.1 403 "))
    #expect(try get(server, "/\(server.token)/", headers: "Origin: http://evil.example\r\n").hasPrefix("HTTP/1.1 403 "))
    #expect(server.address == "http://127.0.0.1:\(server.port)/\(server.token)/")
  }

  /// Nothing but loopback: the kernel's own table of listening sockets (proc_net_tcp(5)) says so.
  @Test func listensOnLoopbackOnly() throws {
    let server = try server()
    defer { server.close() }
    var tables = ""
    for name in ["tcp", "tcp6"] {
      guard let file = fopen("/proc/net/\(name)", "re") else { continue }
      defer { fclose(file) }
      var bytes: [UInt8] = []
      while case let byte = fgetc(file), byte != EOF { bytes.append(UInt8(byte)) }
      tables += String(decoding: bytes, as: UTF8.self)
    }
    let digits = String(server.port, radix: 16, uppercase: true)
    let port = String(repeating: "0", count: 4 - digits.count) + digits
    // local address, remote address, state 0A: listening
    var listening: [String] = []
    for line in tables.split(separator: "\n") {
      let fields = line.split(separator: " ").map(String.init)
      if fields.count > 3, fields[3] == "0A", fields[1].hasSuffix(":\(port)") { listening.append(fields[1]) }
    }
    #expect(listening == ["0100007F:\(port)"])
  }

  @Test func whatIsNoHTTPIsNotAnswered() throws {
    let server = try server()
    defer { server.close() }
    for garbage in ["\u{16}\u{03}\u{01}hello", "GET\r\n\r\n", "\r\n\r\n\r\nX\r\n\r\n", "POST / HTTP/1.1\r\n\r\n"] {
      let file = try connect(server)
      defer { close(file) }
      send(garbage, to: file)
      shutdown(file, Int32(SHUT_WR))
      #expect(!read(file).contains(" 200 "))
    }
    #expect(try get(server, "/\(server.token)/").contains(" 200 "))
  }

  @Test func severalRequestsOfOneConnectionAreAnsweredInOrder() throws {
    let server = try server()
    defer { server.close() }
    let file = try connect(server)
    defer { close(file) }
    let requests = (0..<5).map { "GET /\(server.token)/\($0) HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\n\r\n" }
    send(requests.joined(), to: file)
    let text = read(file, until: "path 4\n")
    let places = (0..<5).map { text.range(of: "path \($0)\n") }
    #expect(places.allSatisfy { $0 != nil } && places.compactMap(\.self) == places.compactMap(\.self).sorted())
  }

  /// Many listen, some go away without a word, one never reads; the others hear everything all the same.
  @Test func manyListenAndSomeGoAway() throws {
    let server = try server()
    defer { server.close() }
    let request =
      "GET /\(server.token)/events HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\nAccept: text/event-stream\r\n\r\n"
    var files: [Int32] = []
    defer { for file in files { close(file) } }
    for _ in 0..<50 {
      let file = try connect(server)
      send(request, to: file)
      #expect(read(file, until: "retry: 1000\n\n").contains("text/event-stream"))
      files.append(file)
    }
    for file in files.prefix(20) { close(file) }
    files.removeFirst(20)
    // The first of those that stay reads nothing while more is sent than fits.
    let large = String(repeating: "y", count: 100_000)
    for _ in 0..<100 { server.broadcast(large, as: "state", to: "x") }
    server.broadcast("{\"last\": 1}", as: "end", to: "x")
    server.broadcast("nobody", as: "state", to: "other")
    // One that comes later hears at once how things are.
    let late = try connect(server)
    files.append(late)
    send(request, to: late)
    let heard = read(late, until: "event: end\ndata: {\"last\": 1}\n\n")
    #expect(heard.contains("event: state\ndata: yyy") && heard.contains("event: end") && !heard.contains("nobody"))
    #expect(try get(server, "/\(server.token)/x").contains(" 200 "))
  }

  @Test func aPortThatIsTakenIsSaid() throws {
    let server = try server()
    defer { server.close() }
    #expect(throws: LoopbackServer.Problem.self) {
      try LoopbackServer(port: server.port) { _ in .answer(.text(200, "")) }
    }
  }
}

extension String {
  fileprivate func range(of text: String) -> String.Index? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(text) { return start }
      start = index(after: start)
    }
    return nil
  }
}
