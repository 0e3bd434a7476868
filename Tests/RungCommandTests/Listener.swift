import Glibc

/// A socket of the machine on which something listens. Nobody answers, but whoever may connect, can.
final class Listener {
  /// The port, of a socket on 127.0.0.1.
  private(set) var port = 0
  private let file: Int32

  /// On 127.0.0.1, at a port that the system chooses.
  static func onLoopback() throws -> Listener {
    let made = try Listener(AF_INET)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    try withUnsafePointer(to: &address) { pointer in
      try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { try made.listen($0, size) }
    }
    var length = size
    withUnsafeMutablePointer(to: &address) { pointer in
      _ = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(made.file, $0, &length) }
    }
    made.port = Int(UInt16(bigEndian: address.sin_port))
    return made
  }

  /// At a path, which goes with the folder that it is in; or, with a NUL in front, at a name that is no path.
  init(at name: String) throws {
    file = try Self.socket(AF_UNIX)
    let bytes = [UInt8](name.utf8)
    var address = sockaddr_un()
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
      throw Broken(description: "\(name) is too long")
    }
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let ending = bytes.first == 0 ? 0 : 1
    let size = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count + ending)
    try withUnsafePointer(to: &address) { pointer in
      try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { try listen($0, size) }
    }
  }

  private init(_ family: Int32) throws { file = try Self.socket(family) }

  deinit { close(file) }

  private static func socket(_ family: Int32) throws -> Int32 {
    let file = Glibc.socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard file >= 0 else { throw Broken(description: "no socket: error \(errno)") }
    return file
  }

  private func listen(_ address: UnsafePointer<sockaddr>, _ size: socklen_t) throws {
    guard bind(file, address, size) == 0, Glibc.listen(file, 16) == 0 else {
      throw Broken(description: "cannot listen: error \(errno)")
    }
  }
}
