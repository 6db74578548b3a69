package mllibpy.engine

import org.apache.spark.TaskContext
import org.apache.spark.rdd.RDD

import java.util.concurrent.ConcurrentHashMap
import scala.reflect.ClassTag

/** `collect`, which in local mode, where tasks run in the driver's own JVM, hands the results over
  * as they are: nothing serialises, compresses or copies them. One job.
  */
object Gather {
  def apply[T: ClassTag](rdd: RDD[T]): Array[T] =
    if (rdd.sparkContext.isLocal) here(rdd) else rdd.collect()

  private def here[T: ClassTag](rdd: RDD[T]): Array[T] = {
    // By partition, so that a task that is tried again puts its results in place of the first ones.
    val results = new ConcurrentHashMap[Int, Array[T]]
    val shared = Shared(rdd.sparkContext, results)
    try {
      run(rdd, shared)
      Array.concat((0 until rdd.getNumPartitions).map(results.get): _*)
    } finally shared.destroy()
  }

  // In a method of its own, so that the tasks' closure holds just these arguments.
  private def run[T: ClassTag](rdd: RDD[T], to: Shared[ConcurrentHashMap[Int, Array[T]]]): Unit =
    rdd.foreachPartition { it =>
      to.value.put(TaskContext.getPartitionId(), it.toArray)
      ()
    }
}
