import Glibc
import Synchronization

/// Sockets of loopback.
enum TCP {
  /// A port that nobody listens at, a moment ago.
  static func freePort() throws -> Int {
    let (file, port) = try listen()
    close(file)
    return port
  }

  /// Listens at a port that the system chooses.
  static func listen() throws -> (file: Int32, port: Int) {
    let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(file, $0, size) == 0 && Glibc.listen(file, 64) == 0 && getsockname(file, $0, &size) == 0
      }
    }
    guard file >= 0, isBound else { throw Broken(description: "cannot listen on loopback: error \(errno)") }
    return (file, Int(UInt16(bigEndian: address.sin_port)))
  }

  /// Connects; -1 when nobody listens.
  static func connect(_ port: Int) -> Int32 {
    let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    address.sin_port = UInt16(port).bigEndian
    let code = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    if code == 0 { return file }
    close(file)
    return -1
  }

  /// Tries until somebody listens there, as long as the process lives.
  static func await(_ port: Int, _ process: pid_t) throws {
    while true {
      let file = connect(port)
      if file >= 0 {
        close(file)
        return
      }
      var info = siginfo_t()
      let isOver = waitid(P_PID, id_t(process), &info, Int32(WEXITED) | Int32(WNOWAIT) | Int32(WNOHANG)) == 0
      if isOver && info.si_signo != 0 { throw Broken(description: "the server ended before it listened") }
      sched_yield()
    }
  }
}

/// A server that does to each connection what a test wants, on a thread for each; it stops listening with the value.
final class HostileServer: Sendable {
  let port: Int
  private let file: Int32
  private let requests = Mutex<[String]>([])

  /// A connection, to be used by its thread.
  struct Connection {
    let file: Int32
    fileprivate let note: (String) -> Void

    /// The next request up to its empty line; nil at the end.
    func request() -> String? {
      var bytes: [UInt8] = []
      var byte: UInt8 = 0
      while !bytes.suffix(4).elementsEqual([13, 10, 13, 10]) {
        guard recv(file, &byte, 1, 0) == 1 else { return nil }
        bytes.append(byte)
      }
      let text = String(decoding: bytes, as: UTF8.self)
      note(text)
      return text
    }

    func send(_ text: String) { send(Array(text.utf8)) }
    func send(_ bytes: [UInt8]) { _ = Glibc.send(file, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

    /// Takes so many bytes of a body.
    func skip(_ count: Int) {
      var buffer = [UInt8](repeating: 0, count: count)
      _ = recv(file, &buffer, count, Int32(MSG_WAITALL))
    }

    /// Waits until the other side goes.
    func waitForEnd() {
      var byte: UInt8 = 0
      while recv(file, &byte, 1, 0) > 0 {}
    }
  }

  init(_ serve: @escaping @Sendable (Connection) -> Void) throws {
    (file, port) = try TCP.listen()
    let file = file
    let note: @Sendable (String) -> Void = { [weak self] text in self?.requests.withLock { $0.append(text) } }
    Thread.start {
      while case let connection = accept(file, nil, nil), connection >= 0 {
        Thread.start {
          serve(Connection(file: connection, note: note))
          close(connection)
        }
      }
    }
  }

  deinit {
    // Wakes who accepts; the descriptor is closed by nobody else.
    shutdown(file, Int32(SHUT_RDWR))
    close(file)
  }

  var address: String { "http://127.0.0.1:\(port)/lab" }

  /// What was asked so far.
  var asked: [String] { requests.withLock { $0 } }
}

/// A plain thread that nobody waits for.
enum Thread {
  private final class Work: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  static func start(_ body: @escaping @Sendable () -> Void) {
    let work = Unmanaged.passRetained(Work(body))
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { raw in
        raw.map { Unmanaged<Work>.fromOpaque($0).takeRetainedValue().body() }
        return nil
      }, work.toOpaque())
    precondition(code == 0, "no thread")
    pthread_detach(thread)
  }
}
