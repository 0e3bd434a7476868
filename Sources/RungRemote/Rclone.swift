import Glibc
import RungCore

/// The program `rclone`, and what it is asked to do.
struct Rclone: Sendable {
  /// What it calls the remote cache.
  private let place: String
  private let program: String
  private let variables: [String: String]
  /// Where short files may be made.
  let temporary: String
  private let standing: [String]

  init(_ place: String, variables: [String: String]) throws(RemoteError) {
    var place = place
    while place.hasSuffix("/") { place.removeLast() }
    self.place = place
    self.variables = variables.filter { !$0.key.hasPrefix("RUNG_REMOTE_") }
    do throws(RemoteError) {
      program = try Companion.find(variables["RUNG_RCLONE"].flatMap { $0.isEmpty ? nil : $0 } ?? "rclone", variables)
    } catch {
      throw RemoteError(
        .local,
        "the remote cache rclone:\(place) needs the program rclone, which is not installed (`apt install rclone`)")
    }
    temporary = variables["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
    let stall = max(1, variables["RUNG_REMOTE_STALL"].flatMap { Int($0) } ?? 30)
    let parallel = max(1, variables["RUNG_REMOTE_PARALLEL"].flatMap { Int($0) } ?? 8)
    standing = [
      "--timeout", "\(stall)s", "--contimeout", "\(stall)s", "--retries", "3", "--transfers", "\(parallel)",
      "--checkers", "\(parallel)", "--log-level", "ERROR", "--ask-password=false",
    ]
  }

  /// A place below the cache; a remote's root has no slash.
  func place(_ path: String) -> String { place.hasSuffix(":") ? "\(place)\(path)" : "\(place)/\(path)" }

  /// The sizes of those files that are there, below a folder.
  func list(_ folder: String, _ paths: [String], _ scratch: ScratchFolder) throws(RemoteError) -> [String: Int64] {
    if paths.isEmpty { return [:] }
    let names = try scratch.list(paths)
    var output: [UInt8] = []
    do throws(RemoteError) {
      try run(
        ["lsf", "-R", "--files-only", "--format", "sp", "--separator", ";", "--files-from-raw", names, place(folder)],
        isPush: false
      ) { piece in
        output += piece
        return output.count < 64 << 20
      }
    } catch {
      // Nothing was ever put there.
      if error.kind == .missing { return [:] }
      throw error
    }
    var found: [String: Int64] = [:]
    for line in String(decoding: output, as: UTF8.self).split(separator: "\n") {
      let parts = line.split(separator: ";", maxSplits: 1)
      if parts.count == 2, let size = Int64(parts[0]), size >= 0 { found[String(parts[1])] = size }
    }
    return found
  }

  /// Copies files from one folder to another, whatever is there.
  func copy(
    from: String, to: String, _ paths: [String], _ scratch: ScratchFolder, isPush: Bool
  ) throws(RemoteError) {
    try run(
      [
        "copy", "--no-traverse", "--no-check-dest", "--ignore-times", "--files-from-raw", try scratch.list(paths), from,
        to,
      ],
      isPush: isPush
    ) { _ in true }
  }

  /// Hands over the bytes of a file in pieces, as long as the body wants more.
  func read(_ path: String, _ body: (UnsafeRawBufferPointer) -> Bool) throws(RemoteError) {
    try run(["cat", place(path)], isPush: false, body)
  }

  /// Writes a file of a known size from what the body sends, as long as it says that there is more. An error of the body
  /// leaves the file unwritten where the remote can do that; `otherwise` judges what is to be thrown then.
  func write(
    _ path: String, size: Int64,
    _ body: ((UnsafeRawBufferPointer) throws(RemoteError) -> Void) throws(RemoteError) -> Bool,
    otherwise: (RemoteError) -> RemoteError? = { $0 }
  ) throws(RemoteError) {
    let companion = try Companion(program, ["rcat", "--size", "\(size)", place(path)] + standing, variables: variables)
    var problem: RemoteError?
    do throws(RemoteError) {
      while try body({ bytes throws(RemoteError) in
        var done = 0
        while done < bytes.count {
          let count = send(
            companion.socket, bytes.baseAddress.map { $0 + done }, bytes.count - done, Int32(MSG_NOSIGNAL))
          if count < 0, errno == EINTR { continue }
          // It has ended: what it said tells why.
          guard count > 0 else { throw RemoteError(.unreachable, "") }
          done += count
        }
      }) {}
    } catch {
      problem = error
    }
    if let problem, problem.kind == .local {
      // Before it can take the end of its input for the end of the object.
      companion.abort()
      if let error = otherwise(problem) { throw error }
      return
    }
    shutdown(companion.socket, Int32(SHUT_WR))
    try end(companion, isPush: true) { _ in true }
  }

  private func run(
    _ arguments: [String], isPush: Bool, _ body: (UnsafeRawBufferPointer) -> Bool
  ) throws(RemoteError) {
    let companion = try Companion(program, arguments + standing, variables: variables)
    shutdown(companion.socket, Int32(SHUT_WR))
    try end(companion, isPush: isPush, body)
  }

  private func end(
    _ companion: Companion, isPush: Bool, _ body: (UnsafeRawBufferPointer) -> Bool
  ) throws(RemoteError) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 64)
    defer { buffer.deallocate() }
    while true {
      let count = Glibc.read(companion.socket, buffer.baseAddress, buffer.count)
      if count < 0, errno == EINTR { continue }
      if count <= 0 { break }
      if !body(UnsafeRawBufferPointer(rebasing: buffer[..<count])) {
        companion.abort()
        return
      }
    }
    let code = companion.finish(patience: 10_000)
    if code == 0 { return }
    throw judge(code, companion.lastWords(), isPush: isPush)
  }

  // By the exit codes of rclone(1), and by what it says.
  private func judge(_ code: Int32, _ words: String, isPush: Bool) -> RemoteError {
    func has(_ texts: String...) -> Bool { texts.contains { words.lowercased().contains($0) } }
    let sentence = "rclone:\(place): \(words.isEmpty ? "rclone ended with code \(code)" : words)"
    if has("didn't find section", "unknown command", "unknown flag") { return RemoteError(.local, sentence) }
    if has("no space left", "quota", "insufficient storage", "read-only file system") {
      return RemoteError(isPush ? .full : .local, sentence)
    }
    if has("permission denied", "accessdenied", "access denied", "forbidden", "unauthorized", "invalidaccesskeyid") {
      return RemoteError(.forbidden, sentence)
    }
    if has("x509", "certificate") { return RemoteError(.untrusted, sentence) }
    if code == 3 || code == 4 { return RemoteError(.missing, sentence) }
    return RemoteError(.unreachable, sentence)
  }
}
