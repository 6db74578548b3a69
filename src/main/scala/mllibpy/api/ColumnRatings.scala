package mllibpy.api

import com.fasterxml.jackson.databind.JsonNode
import mllibpy.algorithm.als.Ratings
import mllibpy.engine.{DriverBlocks, IdSpace, IntegerIds, InvalidInput, TextIds, Triples}
import mllibpy.kernel.Scramble
import org.apache.spark.SparkContext
import org.apache.spark.rdd.RDD

import java.nio.charset.StandardCharsets.UTF_8
import java.nio.{ByteBuffer, ByteOrder}

/** Ratings that come as columns of primitive arrays. */
object ColumnRatings {
  // A partition's worth: large enough to be worth a task, far below what a broadcast can hold.
  private final val PartitionSize = 16 * Triples.ChunkSize

  /** From an array file: users (int64, or codes into names), items, ratings (float32), then
    * timestamps (int64) where `timed`, weights (float32) where `weighted`, and the users' and the
    * items' names where `userNames`, `itemNames` > 0.
    */
  def fromFile(sc: SparkContext, path: String, meta: JsonNode): Ratings = {
    val n = meta.get("n").asInt
    val timed = meta.get("timed").asBoolean
    val weighted = meta.path("weighted").asBoolean
    val userNames = meta.get("userNames").asInt
    val itemNames = meta.get("itemNames").asInt
    val in = new ArrayReader(path)
    try {
      val width = 8L * n
      val times = 2 * width + 4L * n
      val weights = times + (if (timed) width else 0L)
      in.seek(weights + (if (weighted) 4L * n else 0L))
      val users = if (userNames > 0) in.texts(userNames) else null
      val items = if (itemNames > 0) in.texts(itemNames) else null
      val userKeys = keysOf(users)
      val itemKeys = keysOf(items)
      def chunk(from: Int, m: Int): Triples = {
        in.seek(8L * from)
        val u = keys(in.longs(m), userKeys)
        in.seek(width + 8L * from)
        val i = keys(in.longs(m), itemKeys)
        in.seek(2 * width + 4L * from)
        val r = in.floats(m)
        val t = if (timed) { in.seek(times + 8L * from); in.longs(m) }
        else null
        val w = if (weighted) { in.seek(weights + 4L * from); in.floats(m) }
        else null
        new Triples(u, i, r, t, w)
      }
      val size = partitionSize(n, sc.defaultParallelism)
      val starts = 0 until n by size
      val blocks = new DriverBlocks(sc, starts.map(from => chunk(from, Math.min(size, n - from))))
      new Ratings(
        blocks.rdd,
        space(users),
        space(items),
        timed,
        meta.get("source").asText,
        resting = true,
        onRelease = () => blocks.release(),
        weighted = weighted
      )
    } finally in.close()
  }

  private def partitionSize(n: Int, parallelism: Int): Int =
    Math.min(PartitionSize, Math.max(Triples.ChunkSize, (n + parallelism - 1) / parallelism))

  private def keysOf(names: Array[String]): Array[Long] =
    if (names == null) null else names.map(TextIds.key)
  private def space(names: Array[String]): IdSpace =
    if (names == null) IntegerIds else TextIds.of(names)

  /** Ids or codes to keys, in place. */
  private def keys(ids: Array[Long], names: Array[Long]): Array[Long] = {
    var i = 0
    while (i < ids.length) {
      ids(i) = if (names == null) Scramble.mix(ids(i)) else names(ids(i).toInt)
      i += 1
    }
    ids
  }

  /** From chunks that Python workers packed: one byte 'R', four bytes n, then n ids of each side
    * (int64, or n lengths (int32) and the UTF-8 bytes), n ratings (float32), and n weights
    * (float32) where `weighted`; or one byte 'E' and a message.
    */
  def fromBytes(
      chunks: RDD[Array[Byte]],
      textUsers: Boolean,
      textItems: Boolean,
      weighted: Boolean,
      source: String
  ): Ratings = {
    val parsed = chunks.mapPartitionsWithIndex { (partition, it) =>
      it.map(bytes => unpack(bytes, partition.toLong, textUsers, textItems, weighted))
    }
    Parsed.ratings(
      parsed,
      textUsers,
      textItems,
      timed = false,
      weighted,
      source,
      p => new InvalidInput(s"$source: ${p.head.text}")
    )
  }

  private def unpack(
      bytes: Array[Byte],
      place: Long,
      textUsers: Boolean,
      textItems: Boolean,
      weighted: Boolean
  ): Parsed = {
    val in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN)
    if (in.get() == 'E') {
      val message = new String(bytes, 1, bytes.length - 1, UTF_8)
      new Parsed(
        new Triples(Array(), Array(), Array(), null),
        Array(),
        Array(),
        Seq(Problem("", place, message))
      )
    } else {
      val n = in.getInt()
      val (users, userNames) = ids(in, n, textUsers)
      val (items, itemNames) = ids(in, n, textItems)
      val values = Array.fill(n)(in.getFloat())
      val weights = if (weighted) Array.fill(n)(in.getFloat()) else null
      new Parsed(new Triples(users, items, values, null, weights), userNames, itemNames, Nil)
    }
  }

  private def ids(in: ByteBuffer, n: Int, text: Boolean): (Array[Long], Array[String]) =
    if (!text) (Array.fill(n)(Scramble.mix(in.getLong())), Array.empty)
    else {
      val lengths = Array.fill(n)(in.getInt())
      val names = lengths.map { l =>
        val utf8 = new Array[Byte](l)
        in.get(utf8)
        new String(utf8, UTF_8)
      }
      (names.map(TextIds.key), names.distinct)
    }
}
