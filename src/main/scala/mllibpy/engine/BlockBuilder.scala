package mllibpy.engine

import mllibpy.kernel.PackedCsr

import scala.collection.mutable

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

  def build(number: Int, buckets: Buckets): Built = {
    val (rowKeys, rowOf) = index(_.rows)
    val (columnKeys, columnOf) = index(_.columns)
    val byColumn = order(columnOf, columnKeys.length)
    val start = starts(rowOf, rowKeys.length)
    val columns = new Array[Int](n)
    val values = new Array[Float](n)
    val times = if (timed) new Array[Long](n) else null
    place(rowOf, columnOf, byColumn, start, columns, values, times)
    val merged = merge(start, columns, values, times, rowKeys, columnKeys)
    val block =
      new SparseBlock(
        number,
        rowKeys,
        columnKeys,
        merged.csr,
        bucketStarts(number, buckets, rowKeys)
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
      times: Array[Long]
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
    val next = start.clone()
    var i = 0
    while (i < n) {
      val e = byColumn(i)
      val p = next(rowOf(e))
      next(rowOf(e)) = p + 1
      columns(p) = columnOf(e)
      values(p) = value(e)
      if (timed) times(p) = time(e)
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
        values(out) = if (until - at == 1) values(at) else fold(values, times, at, until)
        out += 1
        at = until
      }
      r += 1
    }
    start(rowKeys.length) = out
    new Merged(PackedCsr.of(start, columns, values, out), extra, sample.toSeq)
  }

  private def fold(values: Array[Float], times: Array[Long], from: Int, until: Int): Float =
    policy match {
      case Duplicates.Last =>
        var last = until - 1
        if (times != null) {
          last = from
          var i = from + 1
          while (i < until) { if (times(i) >= times(last)) last = i; i += 1 }
        }
        values(last)
      case _ =>
        val sum = java.util.Arrays.copyOfRange(values, from, until).sorted.foldLeft(0.0)(_ + _)
        (if (policy == Duplicates.Mean) sum / (until - from) else sum).toFloat
    }

  private def bucketStarts(number: Int, buckets: Buckets, rowKeys: Array[Long]): Array[Int] = {
    val first = buckets.first(number)
    val out = new Array[Int](buckets.first(number + 1) - first + 1)
    for (key <- rowKeys) out(buckets.bucketOf(key) - first + 1) += 1
    var i = 1
    while (i < out.length) { out(i) += out(i - 1); i += 1 }
    out
  }
}

private[engine] object BlockBuilder {
  final val Sample = 3
}
