throw new Error("this file is for those who require it");
