package mllibpy.kernel

/** The k best of a run of scores, best first; equal scores rank by their number, lowest first. */
final class TopK(k: Int) {
  private val score = new Array[Float](k)
  private val item = new Array[Int](k)
  private var size = 0

  def clear(): Unit = size = 0

  /** Offers items in ascending order of their number. */
  def offer(number: Int, value: Float): Unit =
    if (size < k || value > score(size - 1)) {
      var at = if (size < k) size else k - 1
      while (at > 0 && score(at - 1) < value) {
        score(at) = score(at - 1)
        item(at) = item(at - 1)
        at -= 1
      }
      score(at) = value
      item(at) = number
      if (size < k) size += 1
    }

  /** Offers the items `first until first + n`, whose scores stand from `at`; those that are
    * -infinity are left out.
    */
  def offerAll(first: Int, n: Int, scores: Array[Float], at: Int): Unit = {
    var i = 0
    while (i < n) {
      if (scores(at + i) > Float.NegativeInfinity) offer(first + i, scores(at + i))
      i += 1
    }
  }

  /** What a score must be above to get in. */
  def bar: Float = if (size < k) Float.NegativeInfinity else score(k - 1)

  def count: Int = size

  /** Copies what was found to `items` and `scores` from `at`. */
  def copyTo(items: Array[Int], scores: Array[Float], at: Int): Unit = {
    System.arraycopy(item, 0, items, at, size)
    System.arraycopy(score, 0, scores, at, size)
  }
}
