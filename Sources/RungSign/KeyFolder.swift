import Glibc
import RungCore

/// The folder with a person's keys: for each name `NAME.key`, readable by its owner alone, and `NAME.pub`.
public struct KeyFolder: Sendable {
  /// Why a key cannot be made or used. The message is a sentence without a full stop.
  public struct Problem: Error, Hashable, CustomStringConvertible {
    /// What happened, to which key.
    public let description: String
  }

  /// The name of the key that is used when none is named.
  public static let standardName = "default"

  /// The folder's path. It need not exist.
  public let path: String

  /// The keys of a user by the variables `XDG_CONFIG_HOME` and `HOME`. Nil when neither says a folder.
  public init?(variables: [String: String]) {
    // The XDG base directory specification: what is not absolute is to be ignored.
    if let config = variables["XDG_CONFIG_HOME"], config.hasPrefix("/") {
      path = "\(config)/rung/keys"
    } else if let home = variables["HOME"], home.hasPrefix("/") {
      path = "\(home)/.config/rung/keys"
    } else {
      return nil
    }
  }

  /// The names of the keys, sorted. Empty when there are none.
  public var names: [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let file = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if file.hasSuffix(".key"), Self.isName(String(file.dropLast(4))) { names.append(String(file.dropLast(4))) }
    }
    return names.sorted()
  }

  /// Makes a key pair. Never replaces one: what was signed with a key that is gone can still be checked, but nothing
  /// more can be signed.
  public func make(_ name: String) throws(Problem) -> PublicKey {
    guard Self.isName(name) else {
      throw Problem(
        description:
          "'\(name)' cannot be a key's name: up to 64 letters, digits, '.', '_' and '-', the first a letter or digit"
      )
    }
    guard let key = SecretKey.random() else { throw Problem(description: "there is no source of random numbers") }
    try makeFolders()
    // A public key that is there alone belongs to a secret one that is gone.
    try refuse("\(path)/\(name).pub", name)
    try write(key.pem, to: "\(path)/\(name).key", mode: 0o600, name)
    do throws(Problem) {
      try write(key.publicKey.pem, to: "\(path)/\(name).pub", mode: 0o644, name)
    } catch {
      unlink("\(path)/\(name).key")
      throw error
    }
    return key.publicKey
  }

  /// The secret key of a name.
  public func secretKey(_ name: String) throws(Problem) -> SecretKey {
    guard Self.isName(name), access("\(path)/\(name).key", F_OK) == 0 else {
      throw Problem(description: "there is no key called '\(name)' in \(path)")
    }
    return try Self.secretKey(at: "\(path)/\(name).key")
  }

  /// A secret key in a file. Throws also when others than its owner may read it.
  public static func secretKey(at path: String) throws(Problem) -> SecretKey {
    let (text, mode) = try read(path)
    guard mode & 0o077 == 0 else {
      throw Problem(description: "others may read the secret key \(path): `chmod 600 \(path)`, or make a new one")
    }
    guard let key = SecretKey(pem: text) else {
      throw Problem(description: "\(path) is not an unencrypted Ed25519 secret key in PEM")
    }
    return key
  }

  /// The public key of a name, or in a file.
  public func publicKey(_ text: String) throws(Problem) -> PublicKey {
    guard names.contains(text) || (Self.isName(text) && access("\(path)/\(text).pub", F_OK) == 0) else {
      return try Self.publicKey(at: text)
    }
    // The file with the public one may be gone; it follows from the secret one.
    let isThere = access("\(path)/\(text).pub", F_OK) == 0
    return try isThere ? Self.publicKey(at: "\(path)/\(text).pub") : secretKey(text).publicKey
  }

  /// A public key in a file.
  public static func publicKey(at path: String) throws(Problem) -> PublicKey {
    guard let key = PublicKey(pem: try read(path).text) else {
      throw Problem(description: "\(path) is not an Ed25519 public key in PEM")
    }
    return key
  }

  /// Whether a text can be a key's name: it is also a file's.
  static func isName(_ text: String) -> Bool {
    let letters = Array(text.utf8)
    guard let first = letters.first, letters.count <= 64, isLetter(first) else { return false }
    return letters.allSatisfy {
      isLetter($0) || [UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-")].contains($0)
    }
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: false
    }
  }

  // A key has some hundred bytes; anything much larger is none.
  private static func read(_ path: String) throws(Problem) -> (text: String, mode: mode_t) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw failure("read", path) }
    defer { close(descriptor) }
    var status = stat()
    var bytes = [UInt8](repeating: 0, count: 16384)
    guard fstat(descriptor, &status) == 0 else { throw failure("read", path) }
    let count = Glibc.read(descriptor, &bytes, bytes.count)
    guard count >= 0 else { throw failure("read", path) }
    return (String(decoding: bytes[..<count], as: UTF8.self), status.st_mode)
  }

  private func makeFolders() throws(Problem) {
    var at = path.startIndex
    while let slash = path[at...].dropFirst().firstIndex(of: "/") {
      mkdir(String(path[..<slash]), 0o755)
      at = slash
    }
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw Self.failure("make", path) }
  }

  private func refuse(_ file: String, _ name: String) throws(Problem) {
    if access(file, F_OK) == 0 { throw Problem(description: "there is a key called '\(name)' already, \(file)") }
  }

  private func write(_ text: String, to file: String, mode: mode_t, _ name: String) throws(Problem) {
    let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
    guard descriptor >= 0 else {
      if errno == EEXIST { throw Problem(description: "there is a key called '\(name)' already, \(file)") }
      throw Self.failure("write", file)
    }
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else {
      let problem = Self.failure("write", file)
      unlink(file)
      throw problem
    }
  }

  private static func failure(_ verb: String, _ path: String) -> Problem {
    Problem(description: "cannot \(verb) \(path): \(String(cString: strerror(errno)))")
  }
}
