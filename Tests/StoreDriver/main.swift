import Glibc

// A program that uses a store as hard as it can; `make soak` starts it and the tests do. It is no product.
let usage = """
  rung-store-driver soak FOLDER [minutes N | kills N] [workers N] [seed N]
      starts workers on one cache, kills them at random, starts others; ends with a look at everything
  rung-store-driver work FOLDER SEED [operations N]
      one worker: the same seed does the same things
  rung-store-driver verify FOLDER
      holds the cache against what was promised

  """

func number(_ name: String, in words: [String]) -> Int? {
  words.firstIndex(of: name).flatMap { $0 + 1 < words.count ? Int(words[$0 + 1]) : nil }
}

func complain(_ text: String) {
  let bytes = Array(text.utf8)
  _ = write(2, bytes, bytes.count)
}

let words = Array(CommandLine.arguments.dropFirst())
do {
  switch words.first {
  case "soak" where words.count > 1:
    try Soak(
      folder: words[1], minutes: number("minutes", in: words), kills: number("kills", in: words),
      workers: number("workers", in: words) ?? 8,
      seed: UInt64(number("seed", in: words) ?? Int.random(in: 0..<1_000_000))
    ).run()
  case "work" where words.count > 2:
    try Worker(Ground(words[1]), seed: UInt64(words[2]) ?? 0).run(operations: number("operations", in: words) ?? .max)
  case "verify" where words.count > 1: try verify(Ground(words[1]))
  default:
    complain(usage)
    exit(2)
  }
} catch {
  complain("WRONG: \(error)\n")
  exit(3)
}
