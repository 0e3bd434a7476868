import ArgumentParser
import RungCore
import RungSign
import RungTrace

struct KeyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "key",
    abstract: "Make and show the keys that exported statements are signed with.",
    discussion:
      "Ed25519 keys in PEM, below ${XDG_CONFIG_HOME:-~/.config}/rung/keys. Only their owner can read the secret ones.",
    subcommands: [KeyNew.self, KeyList.self, KeyShow.self])
}

struct KeyNew: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "new", abstract: "Make a key pair; never replaces one.")

  @Option(
    help: ArgumentHelp("What to call it; the one called 'default' signs unless another is named.", valueName: "name"))
  var name = KeyFolder.standardName

  func run() throws {
    let key = try Keys.with { folder throws(KeyFolder.Problem) in try folder.make(name) }
    Console.print("made the key '\(name)', \(key.id)")
    Console.print(
      "`rung key show\(name == KeyFolder.standardName ? "" : " \(name)")` prints what others check signatures with")
  }
}

struct KeyList: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "List the keys.")

  @Flag(name: .long, help: "Print JSON, for programs.")
  var json = false

  func run() throws {
    let keys = try Keys.with { folder throws(KeyFolder.Problem) -> [(String, PublicKey)] in
      var keys: [(String, PublicKey)] = []
      for name in folder.names { keys.append((name, try folder.publicKey(name))) }
      return keys
    }
    if json {
      let list = keys.map { key -> JSON in
        ["name": .string(key.0), "id": .string(key.1.id), "public": .string(key.1.pem)]
      }
      Console.print(JSON.object([.init("keys", .array(list))]).pretty)
    } else if keys.isEmpty {
      Console.print("there is no key; `rung key new` makes one")
    } else {
      var table = TextTable(header: ["name", "id"])
      for (name, key) in keys { table.add([name, key.id]) }
      Console.print(table.text)
    }
  }
}

struct KeyShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Print a public key: what others check signatures with.")

  @Argument(help: "The key's name.")
  var name = KeyFolder.standardName

  func run() throws {
    let key = try Keys.with { folder throws(KeyFolder.Problem) in
      // A file of that name is no key of the user's.
      guard folder.names.contains(name) else { return try folder.secretKey(name).publicKey }
      return try folder.publicKey(name)
    }
    Console.print(key.pem, terminator: "")
  }
}

private enum Keys {
  /// Does something with the user's keys; what is wrong with them is the request's fault.
  static func with<T>(_ body: (KeyFolder) throws(KeyFolder.Problem) -> T) throws -> T {
    guard let folder = KeyFolder(variables: callerVariables()) else {
      throw RequestError(message: "there is no place for keys: neither XDG_CONFIG_HOME nor HOME is an absolute path")
    }
    do {
      return try body(folder)
    } catch {
      throw RequestError(message: error.description)
    }
  }
}
