import Glibc

/// A named pipe through which a step tells a test how far it is, or the test tells the step.
///
/// It lies in the project, the one place around it that a step sees. That a step cannot write there does not matter: a
/// pipe is a way to another process, and nothing is written to the disk.
final class Mark {
  let path: String
  private let file: Int32

  init(_ name: String, in sandbox: Sandbox) throws {
    path = "\(sandbox.project)/\(name)"
    mkfifo(path, 0o600)
    // For reading and writing, so that it never has an end.
    file = open(path, O_RDWR | O_CLOEXEC)
    guard file >= 0 else { throw Broken(description: "cannot open \(path)") }
  }

  /// The same for reading alone, so that it ends when nobody can write to it any more.
  init(reading path: String) throws {
    self.path = path
    mkfifo(path, 0o600)
    file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard file >= 0 else { throw Broken(description: "cannot open \(path)") }
  }

  deinit { close(file) }

  /// Waits until nobody can write to it any more; whatever is still said is not heard.
  func end() throws {
    var bytes = [UInt8](repeating: 0, count: 512)
    while true {
      var polled = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
      guard poll(&polled, 1, 120_000) > 0 else { throw Broken(description: "\(path) is open after two minutes") }
      if Glibc.read(file, &bytes, bytes.count) == 0 { return }
    }
  }

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
