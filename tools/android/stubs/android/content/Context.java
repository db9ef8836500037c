package android.content;
public class Context { public Context getApplicationContext() { return this; } }
