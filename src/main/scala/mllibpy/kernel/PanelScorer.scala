package mllibpy.kernel

/** The best candidates for queries by the product of their factors: eight queries and a panel of 32
  * candidates at a time as one small matrix product, the best kept beside the tile, so that scores
  * never reach memory.
  *
  * Not thread safe: it owns its scratch space.
  *
  * @param panels
  *   candidates as [[PanelScorer.panels]] lays them out
  * @param candidates
  *   how many there are
  */
final class PanelScorer(
    rank: Int,
    panels: Array[Float],
    candidates: Int,
    k: Int,
    arithmetic: Arithmetic = Arithmetic.best
) {
  import Arithmetic.{PanelItems, PanelUsers}

  private val stride = Stride.of(rank)
  private val tile = new Array[Float](PanelUsers * stride)
  private val scores = new Array[Float](PanelUsers * PanelItems)
  private val next = new Array[Int](PanelUsers)
  val best: Array[TopK] = Array.fill(PanelUsers)(new TopK(Math.min(k, candidates)))

  /** Finds the best of up to eight queries into `best`.
    *
    * @param x
    *   factors of queries, rows `rank` apart; query q is at `at(from + q) * rank`
    * @param masked
    *   for each query, candidates to leave out, ascending
    */
  def run(
      x: Array[Float],
      at: Array[Int],
      from: Int,
      queries: Int,
      masked: Int => Array[Int]
  ): Unit = {
    java.util.Arrays.fill(tile, 0f)
    val out = new Array[Array[Int]](queries)
    var q = 0
    while (q < queries) {
      System.arraycopy(x, at(from + q) * rank, tile, q * stride, rank)
      best(q).clear()
      next(q) = 0
      out(q) = masked(q)
      q += 1
    }
    var first = 0
    while (first < candidates) {
      arithmetic.scores(tile, 0, stride, rank, panels, first * rank, scores)
      val n = Math.min(PanelItems, candidates - first)
      q = 0
      while (q < queries) {
        mask(q, out(q), first)
        if (arithmetic.anyAbove(scores, q * PanelItems, best(q).bar))
          best(q).offerAll(first, n, scores, q * PanelItems)
        q += 1
      }
      first += PanelItems
    }
  }

  private def mask(q: Int, out: Array[Int], first: Int): Unit = {
    var i = next(q)
    while (i < out.length && out(i) < first + PanelItems) {
      scores(q * PanelItems + out(i) - first) = Float.NegativeInfinity
      i += 1
    }
    next(q) = i
  }
}

object PanelScorer {

  /** Rows of factors (`rank` apart, those that `rows` names) in panels of 32: factor j of a panel's
    * i-th candidate is at `j * 32 + i` of it.
    */
  def panels(factors: Array[Float], rank: Int, rows: Array[Int]): Array[Float] = {
    val width = Arithmetic.PanelItems
    val count = (rows.length + width - 1) / width
    val out = new Array[Float](Math.multiplyExact(count * width, rank))
    var c = 0
    while (c < rows.length) {
      val to = c / width * width * rank + c % width
      var j = 0
      while (j < rank) { out(to + j * width) = factors(rows(c) * rank + j); j += 1 }
      c += 1
    }
    out
  }
}
