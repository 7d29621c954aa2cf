"""Pictures that train and judge: read, dealt, varied, and put into batches."""
