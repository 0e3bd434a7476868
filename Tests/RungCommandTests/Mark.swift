import Glibc

/// A named pipe through which a step tells a test how far it is, or the test tells the step.
final class Mark {
  let path: String
  private let file: Int32

  init(_ path: String) throws {
    self.path = path
    mkfifo(path, 0o600)
    // For reading and writing, so that it never has an end.
    file = open(path, O_RDWR | O_CLOEXEC)
    guard file >= 0 else { throw Broken(description: "cannot open \(path)") }
  }

  deinit { close(file) }

  /// The next line, without its end.
  func line() throws -> String {
    var text: [UInt8] = []
    while true {
      var polled = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
      guard poll(&polled, 1, 120_000) > 0 else { throw Broken(description: "nothing on \(path) for two minutes") }
      var byte: UInt8 = 0
      guard Glibc.read(file, &byte, 1) == 1 else { throw Broken(description: "cannot read \(path)") }
      if byte == 10 { return String(decoding: text, as: UTF8.self) }
      text.append(byte)
    }
  }

  /// Lets a step that reads a line from here go on.
  func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    Glibc.write(file, bytes, bytes.count)
  }
}
