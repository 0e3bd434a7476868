import Glibc
import RungCore
import RungStore

// One timed thing of the store, or one limit that it is held against, for each call; `Benchmarks/store` calls it.
let usage = """
  usage: rung-store-bench WHAT ARGUMENT...
    the store
      put CACHE FILE                  store a file, make it durable
      second CACHE FILE DIGEST        the same, where DIGEST is an earlier version of the file
      get CACHE DIGEST TARGET         write an object to a new file, verified
      put-tree CACHE FOLDER           store a folder, make it durable
      get-tree CACHE DIGEST TARGET    write a folder to a new one, verified
      range CACHE DIGEST AT COUNT     read COUNT bytes from AT on, then COUNT before them
      open CACHE DIGEST               open the store and look whether it has two objects
      fill CACHE COUNT                store COUNT tiny objects
    the limits
      sha FILE                        SHA-256 of what is in memory, on one core
      write FILE TARGET               write what is in memory to a new file, make it durable
      zstd FILE WAY [TARGET]          hash and compress what is in memory, on all cores; with TARGET write it too
      unzstd FILE WAY [TARGET]        decompress and hash what is in memory, on all cores; with TARGET write it too
      lstat FOLDER                    one lstat for each file below a folder
    WAY is a level of zstd, or as 1p4: then the bytes of numbers 2, 4 or 8 bytes wide are grouped before.

  """

func complain(_ text: String, status: Int32) -> Never {
  _ = Array(text.utf8).withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
  exit(status)
}

func digest(_ text: String) throws(StoreError) -> Digest {
  guard let digest = Digest(text) else { throw StoreError(.badPath, "'\(text)' is no digest") }
  return digest
}

func number<Number: FixedWidthInteger>(_ text: String) throws(StoreError) -> Number {
  guard let number = Number(text) else { throw StoreError(.badPath, "'\(text)' is no number") }
  return number
}

do {
  let words = Array(CommandLine.arguments.dropFirst())
  let report: Report
  switch (words.first ?? "", words.count) {
  case ("put", 3): report = try put(words[1], words[2])
  case ("second", 4): report = try second(words[1], words[2], digest(words[3]))
  case ("get", 4): report = try get(words[1], digest(words[2]), words[3])
  case ("put-tree", 3): report = try putTree(words[1], words[2])
  case ("get-tree", 4): report = try getTree(words[1], digest(words[2]), words[3])
  case ("range", 5): report = try range(words[1], digest(words[2]), number(words[3]), number(words[4]))
  case ("open", 3): report = try open(words[1], digest(words[2]))
  case ("fill", 3): report = try fill(words[1], number(words[2]))
  case ("sha", 2): report = try hash(words[1])
  case ("write", 3): report = try write(words[1], words[2])
  case ("zstd", 3...4): report = try compress(words[1], Way(words[2]), to: words.dropFirst(3).first)
  case ("unzstd", 3...4): report = try decompress(words[1], Way(words[2]), to: words.dropFirst(3).first)
  case ("lstat", 2): report = try lookAt(words[1])
  default: complain(usage, status: 64)
  }
  print(report.line)
} catch {
  complain("rung-store-bench: \(error.message)\n", status: 1)
}
