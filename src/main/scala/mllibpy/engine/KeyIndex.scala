package mllibpy.engine

/** Numbers distinct keys 0, 1, 2, ... as they come. Open addressing straight on the key's low bits:
  * keys are scrambled already.
  */
final class KeyIndex(expected: Int) {
  private var table = new Array[Int](Integer.highestOneBit(Math.max(16, expected)) * 4)
  private var keys = new Array[Long](table.length / 2)
  private var n = 0

  def size: Int = n
  def key(number: Int): Long = keys(number)

  /** The key's number; a new key gets the next one. */
  def add(key: Long): Int = {
    var at = slot(key)
    while (table(at) != 0 && keys(table(at) - 1) != key) at = (at + 1) & (table.length - 1)
    if (table(at) != 0) table(at) - 1
    else {
      if (n == keys.length) {
        grow()
        add(key)
      } else {
        keys(n) = key
        n += 1
        table(at) = n
        n - 1
      }
    }
  }

  /** The key's number, or -1. */
  def find(key: Long): Int = {
    var at = slot(key)
    while (table(at) != 0 && keys(table(at) - 1) != key) at = (at + 1) & (table.length - 1)
    table(at) - 1
  }

  private def slot(key: Long): Int = key.toInt & (table.length - 1)

  private def grow(): Unit = {
    keys = java.util.Arrays.copyOf(keys, keys.length * 2)
    table = new Array[Int](table.length * 2)
    var i = 0
    while (i < n) {
      var at = slot(keys(i))
      while (table(at) != 0) at = (at + 1) & (table.length - 1)
      table(at) = i + 1
      i += 1
    }
  }

  /** All keys in unsigned order. */
  def sorted(): Array[Long] = {
    val out = java.util.Arrays.copyOf(keys, n)
    KeyIndex.sort(out)
    out
  }

  /** For each number, the place of its key in [[sorted]]. */
  def places(sorted: Array[Long]): Array[Int] = {
    val out = new Array[Int](n)
    var i = 0
    while (i < n) { out(add(sorted(i))) = i; i += 1 }
    out
  }
}

object KeyIndex {

  /** Sorts as unsigned numbers, in place. */
  def sort(keys: Array[Long]): Unit = {
    flip(keys)
    java.util.Arrays.sort(keys)
    flip(keys)
  }

  private def flip(keys: Array[Long]): Unit = {
    var i = 0
    while (i < keys.length) { keys(i) ^= Long.MinValue; i += 1 }
  }

  /** For each of `some`, its place in `all`; both in unsigned order, `some` within `all`. */
  def placesOf(some: Array[Long], all: Array[Long]): Array[Int] = {
    val out = new Array[Int](some.length)
    var at = 0
    var i = 0
    while (i < some.length) {
      while (at < all.length && all(at) != some(i)) at += 1
      if (at == all.length)
        throw new InvalidInput(
          "the source gave different ratings when it was read again; cache it, or make it repeatable",
          "state"
        )
      out(i) = at
      i += 1
    }
    out
  }
}
