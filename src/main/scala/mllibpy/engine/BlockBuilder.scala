package mllibpy.engine

import mllibpy.kernel.PackedCsr

import scala.collection.mutable
import scala.math.Ordering.Float.TotalOrdering

/** A run of triples on its way to a block, with its place in the input. */
final class Piece(val partition: Int, val sequence: Int, val triples: Triples) extends Serializable

/** A block with what was found while it was built. */
final class Built(val block: SparseBlock, val duplicates: Long, val sample: Seq[(Long, Long, Int)])
    extends Serializable

/** Builds a [[SparseBlock]] from pieces that arrive in any order: a counting sort by column, then a
  * stable one by row.
  */
private[engine] final class BlockBuilder(pieces: Seq[Piece], policy: Duplicates) {
  // In the order of the input, so that "last" means last.
  private val chunks = pieces.sortBy(p => (p.partition, p.sequence)).map(_.triples).toArray
  private val n = {
    val total = chunks.map(_.size.toLong).sum
    InvalidInput.unless(
      total < PackedCsr.MostEntries,
      s"$total ratings fall into one block, and it holds ${PackedCsr.MostEntries} at most; use more blocks (num_blocks)"
    )
    total.toInt
  }
  private val timed = policy == Duplicates.Last && chunks.exists(_.times != null)
  private val weighted = chunks.exists(_.weights != null)

  def build(number: Int, buckets: Buckets): Built = {
    val (rowKeys, rowOf) = index(_.rows)
    val (columnKeys, columnOf) = index(_.columns)
    val byColumn = order(columnOf, columnKeys.length)
    val start = starts(rowOf, rowKeys.length)
    val columns = new Array[Int](n)
    val values = new Array[Float](n)
    val times = if (timed) new Array[Long](n) else null
    val weights = if (weighted) new Array[Float](n) else null
    place(rowOf, columnOf, byColumn, start, columns, values, times, weights)
    val merged = merge(start, columns, values, times, weights, rowKeys, columnKeys)
    val block =
      new SparseBlock(
        number,
        rowKeys,
        columnKeys,
        merged.csr,
        buckets.starts(number, rowKeys)
      )
    new Built(block, merged.duplicates, merged.sample)
  }

  /** Sorted distinct keys, and for each triple the place of its key. */
  private def index(keys: Triples => Array[Long]): (Array[Long], Array[Int]) = {
    val seen = new KeyIndex(1 << 12)
    val of = new Array[Int](n)
    var at = 0
    for (chunk <- chunks) {
      val k = keys(chunk)
      var i = 0
      while (i < k.length) { of(at) = seen.add(k(i)); at += 1; i += 1 }
    }
    val sorted = seen.sorted()
    val place = seen.places(sorted)
    var i = 0
    while (i < n) { of(i) = place(of(i)); i += 1 }
    (sorted, of)
  }

  private def starts(of: Array[Int], groups: Int): Array[Int] = {
    val start = new Array[Int](groups + 1)
    var i = 0
    while (i < n) { start(of(i) + 1) += 1; i += 1 }
    i = 0
    while (i < groups) { start(i + 1) += start(i); i += 1 }
    start
  }

  /** Triples' numbers, stably sorted by group. */
  private def order(of: Array[Int], groups: Int): Array[Int] = {
    val next = starts(of, groups)
    val out = new Array[Int](n)
    var i = 0
    while (i < n) {
      out(next(of(i))) = i
      next(of(i)) += 1
      i += 1
    }
    out
  }

  private def place(
      rowOf: Array[Int],
      columnOf: Array[Int],
      byColumn: Array[Int],
      start: Array[Int],
      columns: Array[Int],
      values: Array[Float],
      times: Array[Long],
      weights: Array[Float]
  ): Unit = {
    val value = chunks.length match {
      case 1 => chunks(0).values
      case _ => Array.concat(chunks.map(_.values).toIndexedSeq: _*)
    }
    val time =
      if (timed)
        Array.concat(
          chunks
            .map(c => if (c.times == null) new Array[Long](c.size) else c.times)
            .toIndexedSeq: _*
        )
      else null
    val weight =
      if (weighted)
        Array.concat(
          chunks
            .map(c => if (c.weights == null) Array.fill(c.size)(1f) else c.weights)
            .toIndexedSeq: _*
        )
      else null
    val next = start.clone()
    var i = 0
    while (i < n) {
      val e = byColumn(i)
      val p = next(rowOf(e))
      next(rowOf(e)) = p + 1
      columns(p) = columnOf(e)
      values(p) = value(e)
      if (timed) times(p) = time(e)
      if (weighted) weights(p) = weight(e)
      i += 1
    }
  }

  private final class Merged(
      val csr: PackedCsr,
      val duplicates: Long,
      val sample: Seq[(Long, Long, Int)]
  )

  /** Folds runs of equal (row, column) into one entry, in place, by the policy. */
  private def merge(
      start: Array[Int],
      columns: Array[Int],
      values: Array[Float],
      times: Array[Long],
      weights: Array[Float],
      rowKeys: Array[Long],
      columnKeys: Array[Long]
  ): Merged = {
    val sample = mutable.ArrayBuffer.empty[(Long, Long, Int)]
    var extra = 0L
    var out = 0
    var r = 0
    var at = 0
    while (r < rowKeys.length) {
      val end = start(r + 1)
      start(r) = out
      while (at < end) {
        var until = at + 1
        while (until < end && columns(until) == columns(at)) until += 1
        if (until - at > 1) {
          extra += until - at - 1
          if (sample.length < BlockBuilder.Sample)
            sample += ((rowKeys(r), columnKeys(columns(at)), until - at))
        }
        columns(out) = columns(at)
        // Both before either is written, for a run can begin where it ends.
        val single = until - at == 1
        val value = if (single) values(at) else fold(values, times, weights, at, until)
        if (weighted)
          weights(out) = if (single) weights(at) else foldWeights(values, times, weights, at, until)
        values(out) = value
        out += 1
        at = until
      }
      r += 1
    }
    start(rowKeys.length) = out
    new Merged(PackedCsr.of(start, columns, values, out, weights), extra, sample.toSeq)
  }

  private def fold(
      values: Array[Float],
      times: Array[Long],
      weights: Array[Float],
      from: Int,
      until: Int
  ): Float =
    policy match {
      case Duplicates.Last => values(last(times, from, until))
      case Duplicates.Mean =>
        if (weights == null) (sum(values, from, until) / (until - from)).toFloat
        else mean(run(values, weights, from, until)).toFloat
      case _ => sum(values, from, until).toFloat
    }

  private def foldWeights(
      values: Array[Float],
      times: Array[Long],
      weights: Array[Float],
      from: Int,
      until: Int
  ): Float =
    policy match {
      case Duplicates.Last => weights(last(times, from, until))
      case Duplicates.Mean => (sum(weights, from, until) / (until - from)).toFloat
      case _ => mean(run(weights, values, from, until).map(e => (e._1, Math.abs(e._2)))).toFloat
    }

  private def last(times: Array[Long], from: Int, until: Int): Int =
    if (times == null) until - 1
    else {
      var last = from
      var i = from + 1
      while (i < until) { if (times(i) >= times(last)) last = i; i += 1 }
      last
    }

  private def sum(a: Array[Float], from: Int, until: Int): Double =
    java.util.Arrays.copyOfRange(a, from, until).sorted.foldLeft(0.0)(_ + _)

  /** Pairs in an order that does not depend on that of the input. */
  private def run(a: Array[Float], b: Array[Float], from: Int, until: Int): Seq[(Float, Float)] =
    (from until until).map(i => (a(i), b(i))).sorted

  /** The mean of the first by the second, or the plain one where these are all 0. */
  private def mean(pairs: Seq[(Float, Float)]): Double = {
    val weight = pairs.foldLeft(0.0)(_ + _._2)
    if (weight > 0) pairs.foldLeft(0.0) { case (s, (v, w)) => s + v.toDouble * w } / weight
    else pairs.foldLeft(0.0)(_ + _._1) / pairs.length
  }
}

private[engine] object BlockBuilder {
  final val Sample = 3
}
